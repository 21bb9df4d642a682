"""A latent or a picture laid on another; the node classes beside it are native."""
from darkroom_host import native
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_extras.nodes_mask")


def composite(destination, source, x, y, mask=None, multiplier=8, resize_source=False):
    """[B,C,H,W] both. Latents with a `multiplier` of 8, which x and y (in pixels) are divided by; pictures with 1."""
    if multiplier == 8:
        made, = native.values("LatentCompositeMasked", destination={"samples": destination}, source={"samples": source}, x=int(x), y=int(y), resize_source=resize_source, mask=mask)
        return made["samples"]
    if multiplier != 1:
        raise NotImplementedError(f"comfy_extras.nodes_mask.composite is not there for a multiplier of {multiplier} in Darkroom")
    made, = native.values("ImageCompositeMasked", destination=destination.movedim(1, -1), source=source.movedim(1, -1), x=int(x), y=int(y), resize_source=resize_source, mask=mask)
    return made.movedim(-1, 1)
