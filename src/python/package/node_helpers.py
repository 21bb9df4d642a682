"""Helpers of nodes that change conditionings and open pictures."""
from darkroom_host.host_modules import rest

__getattr__ = rest("node_helpers")


def conditioning_set_values(conditioning, values={}, append=False):
    changed = []
    for tensor, options in conditioning:
        options = dict(options)
        for key, value in values.items():
            options[key] = options[key] + value if append and key in options else value
        changed.append([tensor, options])
    return changed


def pillow(fn, arg):
    """`fn(arg)`; a picture cut short in its file is read as far as it goes."""
    from PIL import ImageFile

    try:
        return fn(arg)
    except (OSError, SyntaxError):
        before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
        try:
            return fn(arg)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def hasher():
    """The hash of --default-hashing-function, as hashlib has it."""
    import hashlib

    from comfy.cli_args import args

    return getattr(hashlib, args.default_hashing_function)


def string_to_torch_dtype(string):
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}.get(string)


def image_alpha_fix(destination, source):
    """[B,H,W,C] both: as many channels as the destination has, or RGBA for both when only the source has three."""
    import torch

    if destination.shape[-1] < source.shape[-1]:
        source = source[..., :destination.shape[-1]]
    elif destination.shape[-1] > source.shape[-1]:
        destination = torch.nn.functional.pad(destination, (0, 1))
        destination[..., -1] = 1.0
    return destination, source
