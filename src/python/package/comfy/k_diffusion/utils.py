"""Small helpers of sampling loops, and a list of file endings that packs read."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.k_diffusion.utils")


def append_dims(x, target_dims):
    """With dimensions of 1 at the end until there are `target_dims`."""
    if x.ndim > target_dims:
        raise ValueError(f"append_dims: {x.ndim} dimensions already, {target_dims} wanted")
    return x.reshape(x.shape + (1,) * (target_dims - x.ndim))


def n_params(module):
    return sum(weight.numel() for weight in module.parameters())


class FolderOfImages:
    """Its list of file endings; the data set itself is not there."""

    IMG_EXTENSIONS = {".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}

    def __init__(self, root, transform=None):
        raise NotImplementedError("comfy.k_diffusion.utils.FolderOfImages is not there in Darkroom")
