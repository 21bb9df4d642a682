"""Which class of comfy.* a native object is to packs. A module is imported when the first object of its kind comes."""
import importlib

from . import handles

_CLASSES = {
    "MODEL": "comfy.model_patcher.ModelPatcher", "CLIP": "comfy.sd.CLIP", "VAE": "comfy.sd.VAE", "CONTROL_NET": "comfy.controlnet.ControlNet",
    "CLIP_VISION": "comfy.clip_vision.ClipVisionModel", "CLIP_VISION_OUTPUT": "comfy.clip_vision.Output", "STYLE_MODEL": "comfy.sd.StyleModel", "SAMPLER": "comfy.samplers.Sampler",
    "GUIDER": "comfy.samplers.CFGGuider", "NOISE": "darkroom_host.objects.Noise", "UPSCALE_MODEL": "darkroom_host.objects.UpscaleModel",
    "LATENT_OPERATION": "darkroom_host.objects.LatentOperation",
}


def _maker(path):
    module, _, name = path.rpartition(".")

    def make(capsule):
        return getattr(importlib.import_module(module), name).of(capsule)

    return make


def register_all():
    for kind, path in _CLASSES.items():
        handles.register(kind, _maker(path))
