"""`.model` of a ModelPatcher: what packs read of it. The network itself is the worker's."""
import enum

import _darkroom
from comfy import supported_models
from comfy.latent_formats import LatentFormat
from darkroom_host.absent import absent
from darkroom_host.host_modules import rest
from darkroom_host.schedule import ModelSampling

__getattr__ = rest("comfy.model_base")


class ModelType(enum.Enum):
    EPS = 1
    V_PREDICTION = 2
    V_PREDICTION_EDM = 3
    STABLE_CASCADE = 4
    EDM = 5
    FLOW = 6
    V_PREDICTION_CONTINUOUS = 7
    FLUX = 8
    IMG_TO_IMG = 9
    FLOW_COSMOS = 10


class BaseModel:
    """Of the ModelPatcher `owner`."""

    manual_cast_dtype = None
    memory_usage_factor = 1.0
    diffusion_model = absent("comfy.model_base.BaseModel.diffusion_model")

    def __new__(cls, owner=None):
        kind = cls
        if cls is BaseModel and owner is not None:
            config = type(supported_models.config_of(_darkroom.model_info(owner)))
            kind = {supported_models.SDXL: SDXL, supported_models.SDXLRefiner: SDXLRefiner, supported_models.SD21UnclipH: SD21UNCLIP}.get(config, BaseModel)
        return super().__new__(kind)

    def __init__(self, owner):
        info = _darkroom.model_info(owner)
        self.owner = self.current_patcher = owner
        self.model_config = supported_models.config_of(info)
        self.latent_format = LatentFormat.told(info)
        self.model_type = ModelType.V_PREDICTION if info["prediction"] == "v_prediction" else ModelType.EPS
        self.adm_channels = info["adm_channels"]
        self.model_sampling = ModelSampling(owner)

    @property
    def device(self):
        return self.owner.load_device

    def get_dtype(self):
        from comfy.model_management import unet_dtype

        return unet_dtype(self.device)

    get_dtype_inference = get_dtype

    def process_latent_in(self, latent):
        return self.latent_format.process_in(latent)

    def process_latent_out(self, latent):
        return self.latent_format.process_out(latent)

    def is_adm(self):
        return self.adm_channels > 0

    def memory_required(self, input_shape, cond_shapes={}):
        """Bytes; the worker plans its memory by itself."""
        return 0

    def apply_model(self, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options={}, **kwargs):
        raise NotImplementedError("comfy.model_base.BaseModel.apply_model is not there in Darkroom: comfy.samplers.calc_cond_batch() predicts with a whole conditioning")

    def to(self, *_, **__):
        return self

    eval = to


class SDXL(BaseModel):
    pass


class SDXLRefiner(BaseModel):
    pass


class SD21UNCLIP(BaseModel):
    pass
