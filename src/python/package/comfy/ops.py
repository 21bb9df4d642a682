"""Layers for the networks of packs: torch's, whose weights stay as they are made (they are loaded from files), and ones that compute in the type of their input."""
import copy

from darkroom_host.host_modules import rest

_rest = rest("comfy.ops")
_LAYERS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "GroupNorm", "LayerNorm", "ConvTranspose1d", "ConvTranspose2d", "Embedding")


def __getattr__(name):
    if name in ("disable_weight_init", "manual_cast"):
        made = globals()[name] = _namespace(name)
        return made
    return _rest(name)


def _namespace(name):
    """A class with the layers as attributes: packs hand it on as `operations` and take bases from it."""
    import torch

    casts = name == "manual_cast"
    layers = {layer: _layer(getattr(torch.nn, layer), casts) for layer in _LAYERS}
    return type(name, (), {**layers, "conv_nd": staticmethod(lambda dims, *args, **kwargs: layers[f"Conv{dims}d"](*args, **kwargs))})


def _layer(base, casts):
    members = {"reset_parameters": lambda self: None, "comfy_cast_weights": casts}
    if casts:
        members["forward"] = _cast_forward(base)
    return type(base.__name__, (base,), members)


def _cast_forward(base):
    """The layer on a shallow copy whose weights have the input's type and device."""
    def forward(self, input, *args, **kwargs):
        twin = copy.copy(self)
        dtype = kwargs.pop("out_dtype", None) or (input.dtype if input.is_floating_point() else None)
        twin.__dict__["_parameters"] = {name: None if weight is None else weight.to(device=input.device, dtype=dtype or weight.dtype)
                                        for name, weight in self._parameters.items()}
        return base.forward(twin, input, *args, **kwargs)

    return forward


def cast_to_input(weight, input, non_blocking=False, copy=True):
    return weight.to(device=input.device, dtype=input.dtype, non_blocking=non_blocking, copy=copy)


def scaled_dot_product_attention(q, k, v, *args, **kwargs):
    import torch

    return torch.nn.functional.scaled_dot_product_attention(q, k, v, *args, **kwargs)
