"""Encoders of pictures."""
from darkroom_host import native
from darkroom_host.host_modules import Members, rest
from darkroom_host.objects import Facade
from darkroom_host.weights import name_below

__getattr__ = rest("comfy.clip_vision")


class Output(Facade):
    """What an encoder makes of a picture: for native nodes. Its numbers stay with the worker."""

    def __getitem__(self, key):
        raise NotImplementedError(f"comfy.clip_vision.Output[{key!r}] is not there in Darkroom: what an encoder gives is for native nodes")

    def __getattr__(self, name):
        if name in ("last_hidden_state", "image_embeds", "penultimate_hidden_states", "all_hidden_states", "mm_projected"):
            raise NotImplementedError(f"comfy.clip_vision.Output.{name} is not there in Darkroom: what an encoder gives is for native nodes")
        return super().__getattr__(name)


class ClipVisionModel(Facade):
    in_comfy = "comfy.clip_vision.ClipVisionModel"
    members = Members("comfy.clip_vision.ClipVisionModel")

    def __init__(self, *_, **__):
        raise NotImplementedError("comfy.clip_vision.ClipVisionModel can't be made from weights in Darkroom: comfy.clip_vision.load() loads a file of the model folders")

    def encode_image(self, image, crop=True):
        """Of [B,H,W,3], values 0 to 1."""
        return native.values("CLIPVisionEncode", clip_vision=self, image=image, crop="center" if crop else "none")[0]


def load(ckpt_path):
    return native.values("CLIPVisionLoader", clip_name=name_below(ckpt_path, "clip_vision")[1])[0]
