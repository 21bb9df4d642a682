"""Helpers of nodes: progress bars, sizes of pictures and batches, files of tensors, state dicts."""
import math

import _darkroom
from darkroom_host import current
from darkroom_host.host_modules import rest
from darkroom_host.pictures import encoded as _encoded
from darkroom_host.tiles import get_tiled_scale_steps, tiled_scale, tiled_scale_multidim  # noqa: F401
from darkroom_host.weights import (  # noqa: F401
    calculate_parameters, convert_sd_to, load_torch_file, safetensors_header, save_torch_file, state_dict_key_replace, state_dict_prefix_replace, weight_dtype)

PROGRESS_BAR_ENABLED = True
PROGRESS_BAR_HOOK = None
DISABLE_MMAP = False
ALWAYS_SAFE_LOAD = True
ATTR_UNSET = {}

__getattr__ = rest("comfy.utils")


def set_progress_bar_enabled(enabled):
    global PROGRESS_BAR_ENABLED
    PROGRESS_BAR_ENABLED = enabled


def set_progress_bar_global_hook(function):
    """`function(value, total, preview, node_id=...)` is called beside what the client sees."""
    global PROGRESS_BAR_HOOK
    PROGRESS_BAR_HOOK = function


class ProgressBar:
    """The progress of the node that makes it. Each step also looks whether the prompt was interrupted."""

    def __init__(self, total, node_id=None):
        self.total = total
        self.current = 0
        self.node_id = node_id
        self.hook = PROGRESS_BAR_HOOK
        self._call = current.number()

    def update_absolute(self, value, total=None, preview=None):
        """`preview`: (format, PIL image, longest side or None)."""
        if total is not None:
            self.total = total
        self.current = min(value, self.total)
        kind, picture = _encoded(preview) if preview else (None, None)
        _darkroom.progress(self._call or current.number(), int(self.current), int(self.total), kind, picture)
        if self.hook is not None:
            self.hook(self.current, self.total, preview, node_id=self.node_id)

    def update(self, value):
        self.update_absolute(self.current + value)


# ---- sizes of pictures: [B,C,H,W] or [B,C,T,H,W]

def common_upscale(samples, width, height, upscale_method, crop):
    """To `height` x `width`; `crop` "center" cuts what exceeds the new ratio first."""
    import torch

    frames = samples.shape[2] if samples.ndim > 4 else None
    if frames is not None:
        samples = samples.movedim(2, 1).flatten(0, 1)
    if crop == "center":
        old_height, old_width = samples.shape[-2:]
        old_ratio, ratio = old_width / old_height, width / height
        x = round((old_width - old_width * (ratio / old_ratio)) / 2) if old_ratio > ratio else 0
        y = round((old_height - old_height * (old_ratio / ratio)) / 2) if old_ratio < ratio else 0
        samples = samples.narrow(-2, y, old_height - 2 * y).narrow(-1, x, old_width - 2 * x)
    if upscale_method in ("lanczos", "bislerp"):
        samples = {"lanczos": lanczos, "bislerp": bislerp}[upscale_method](samples, width, height)
    else:
        samples = torch.nn.functional.interpolate(samples, size=(height, width), mode=upscale_method)
    return samples if frames is None else samples.unflatten(0, (-1, frames)).movedim(1, 2)


def lanczos(samples, width, height):
    """[B,C,H,W], values 0 to 1, in steps of 1/255."""
    import numpy
    import torch
    from PIL import Image

    scaled = []
    for one in samples.movedim(1, -1).float().cpu():
        picture = Image.fromarray((one.squeeze(-1) * 255).clamp(0, 255).numpy().astype(numpy.uint8)).resize((width, height), Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(numpy.array(picture).astype(numpy.float32) / 255)
        scaled.append(pixels.unsqueeze(-1) if pixels.ndim == 2 else pixels)
    return torch.stack(scaled).movedim(-1, 1).to(samples)


def bislerp(samples, width, height):
    """Bilinear, but on the sphere of the channels' directions: latents [B,4,H,W]."""
    from darkroom_host import native

    scaled, = native.values("LatentUpscale", samples={"samples": samples}, upscale_method="bislerp", width=width * 8, height=height * 8, crop="disabled")
    return scaled["samples"].to(samples)


def reshape_mask(input_mask, output_shape):
    """A mask of any form to the one of a latent, [B,C,...], batch repeated."""
    import torch

    dims = len(output_shape) - 2
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[dims]
    if dims == 3 and input_mask.ndim < 5:  # pictures beside frames
        input_mask = input_mask.reshape((1, 1, -1, input_mask.shape[-2], input_mask.shape[-1]))
    elif dims == 1:
        input_mask = input_mask.reshape((-1, 1, input_mask.shape[-1])) if input_mask.ndim < 3 else input_mask
    elif dims == 2:
        input_mask = input_mask.reshape((-1, 1, input_mask.shape[-2], input_mask.shape[-1]))
    mask = torch.nn.functional.interpolate(input_mask, size=output_shape[2:], mode=mode)
    if mask.shape[1] < output_shape[1]:
        mask = mask.repeat((1, output_shape[1]) + (1,) * dims)[:, :output_shape[1]]
    return repeat_to_batch_size(mask, output_shape[0])


# ---- sizes of batches

def repeat_to_batch_size(tensor, batch_size, dim=0):
    """Cut, or repeated from its beginning, along `dim`."""
    have = tensor.shape[dim]
    if have >= batch_size:
        return tensor.narrow(dim, 0, batch_size)
    times = [1] * tensor.ndim
    times[dim] = math.ceil(batch_size / have)
    return tensor.repeat(times).narrow(dim, 0, batch_size)


def _spread(have, wanted):
    """For each of `wanted` entries the one of `have` that stands for it, spread evenly."""
    if wanted <= 1:
        return [0] * wanted
    if wanted < have:
        return [min(round((have - 1) / (wanted - 1) * i), have - 1) for i in range(wanted)]
    return [min(math.floor((i + 0.5) * (have / wanted)), have - 1) for i in range(wanted)]


def resize_to_batch_size(tensor, batch_size):
    """Entries left out or repeated evenly over the batch, their order kept."""
    return tensor if tensor.shape[0] == batch_size else tensor[_spread(tensor.shape[0], batch_size)]


def resize_list_to_batch_size(l, batch_size):  # noqa: E741 - packs name it
    return l if len(l) == batch_size or not l else [l[i] for i in _spread(len(l), batch_size)]


# ---- attributes by their path: "a.b.0.c"

def get_attr(obj, attr):
    for name in attr.split("."):
        obj = getattr(obj, name)
    return obj


def set_attr(obj, attr, value):
    """The value that was there before."""
    *path, name = attr.split(".")
    for one in path:
        obj = getattr(obj, one)
    before = getattr(obj, name, ATTR_UNSET)
    if value is ATTR_UNSET:
        delattr(obj, name)
    else:
        setattr(obj, name, value)
    return before


def set_attr_param(obj, attr, value):
    import torch

    return set_attr(obj, attr, torch.nn.Parameter(value, requires_grad=False))


def copy_to_param(obj, attr, value):
    """Into the memory of the parameter that is there."""
    get_attr(obj, attr).data.copy_(value)


# ---- latents of several forms as one row

def pack_latents(latents):
    """([B,1,n], the forms) of a list of latents with one batch size."""
    import torch

    shapes = [tuple(one.shape) for one in latents]
    return torch.cat([one.reshape(one.shape[0], 1, -1) for one in latents], dim=-1), shapes


def unpack_latents(combined_latent, latent_shapes):
    parts = []
    if len(latent_shapes) <= 1:
        return [combined_latent]
    begin = 0
    for shape in latent_shapes:
        length = math.prod(shape[1:])
        parts.append(combined_latent[:, :, begin:begin + length].reshape([combined_latent.shape[0], *shape[1:]]))
        begin += length
    return parts
