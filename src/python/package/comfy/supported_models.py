"""The families of models, as packs tell them apart: by class and by `unet_config`."""
from comfy.latent_formats import SD15 as _SD15Latents
from comfy.latent_formats import SDXL as _SDXLLatents
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.supported_models")


class BASE:
    latent_format = _SD15Latents
    unet_config = {}
    manual_cast_dtype = None

    def __init__(self, info):
        self.unet_config = {**type(self).unet_config, "context_dim": info["context_dim"], "model_channels": info["model_channels"], "in_channels": info["in_channels"],
                            "adm_in_channels": info["adm_channels"] or None, "out_channels": 4, "use_temporal_attention": False}


class SD15(BASE):
    unet_config = {"use_linear_in_transformer": False}


class SD20(BASE):
    unet_config = {"use_linear_in_transformer": True}


class SD21UnclipH(SD20):
    pass


class SDXL(BASE):
    unet_config = {"use_linear_in_transformer": True}
    latent_format = _SDXLLatents


class SDXLRefiner(SDXL):
    pass


def config_of(info):
    """Of a model, by what the worker tells of it."""
    if info["context_dim"] == 2048:
        return SDXL(info)
    if info["context_dim"] == 1280:
        return SDXLRefiner(info)
    if info["context_dim"] == 1024:
        return (SD21UnclipH if info["adm_channels"] else SD20)(info)
    return SD15(info)
