"""Helpers of nodes that change conditionings and open pictures."""


def conditioning_set_values(conditioning, values={}, append=False):
    changed = []
    for tensor, options in conditioning:
        options = dict(options)
        for key, value in values.items():
            options[key] = options[key] + value if append and key in options else value
        changed.append([tensor, options])
    return changed


def pillow(function, arg):
    return function(arg)


def string_to_torch_dtype(string):
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}.get(string)
