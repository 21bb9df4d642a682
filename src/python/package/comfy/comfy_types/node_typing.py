"""Names of types of sockets, and classes that nodes of the first form derive from."""
import abc
import enum

from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.comfy_types.node_typing")


class IO(str, enum.Enum):
    """Two that share no type are unequal; ANY equals all."""

    STRING = "STRING"
    IMAGE = "IMAGE"
    MASK = "MASK"
    LATENT = "LATENT"
    BOOLEAN = "BOOLEAN"
    INT = "INT"
    FLOAT = "FLOAT"
    COMBO = "COMBO"
    CONDITIONING = "CONDITIONING"
    SAMPLER = "SAMPLER"
    SIGMAS = "SIGMAS"
    GUIDER = "GUIDER"
    NOISE = "NOISE"
    CLIP = "CLIP"
    CONTROL_NET = "CONTROL_NET"
    VAE = "VAE"
    MODEL = "MODEL"
    LORA_MODEL = "LORA_MODEL"
    LOSS_MAP = "LOSS_MAP"
    CLIP_VISION = "CLIP_VISION"
    CLIP_VISION_OUTPUT = "CLIP_VISION_OUTPUT"
    STYLE_MODEL = "STYLE_MODEL"
    GLIGEN = "GLIGEN"
    UPSCALE_MODEL = "UPSCALE_MODEL"
    AUDIO = "AUDIO"
    WEBCAM = "WEBCAM"
    POINT = "POINT"
    FACE_ANALYSIS = "FACE_ANALYSIS"
    BBOX = "BBOX"
    SEGS = "SEGS"
    VIDEO = "VIDEO"
    ANY = "*"
    NUMBER = "FLOAT,INT"
    PRIMITIVE = "STRING,FLOAT,INT,BOOLEAN"

    __str__ = str.__str__

    def __ne__(self, value):
        if self.value == "*" or value == "*":
            return False
        return not isinstance(value, str) or not set(self.value.split(",")) & set(str(getattr(value, "value", value)).split(","))


class InputTypeOptions(dict):
    pass


class InputTypeDict(dict):
    pass


class FileLocator(dict):
    pass


class CheckLazyMixin:
    def check_lazy_status(self, **kwargs):
        """All inputs that are not there yet."""
        return [name for name, value in kwargs.items() if value is None]


class ComfyNodeABC(abc.ABC):
    DESCRIPTION = ""
    CATEGORY = ""
    EXPERIMENTAL = DEPRECATED = False

    @classmethod
    @abc.abstractmethod
    def INPUT_TYPES(cls):
        return {"required": {}}
