"""The encoders of SDXL."""
from comfy.sd1_clip import SD1ClipModel
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.sdxl_clip")


class SDXLClipModel(SD1ClipModel):
    pass


class SDXLRefinerClipModel(SD1ClipModel):
    pass
