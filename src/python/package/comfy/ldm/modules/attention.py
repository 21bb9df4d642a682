"""Attention for the networks and patches of packs."""
import functools

from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.ldm.modules.attention")


def attention_pytorch(q, k, v, heads, mask=None, attn_precision=None, skip_reshape=False, skip_output_reshape=False, **kwargs):
    """[B,T,heads*d] each, [B,heads,T,d] with `skip_reshape`; the result likewise with `skip_output_reshape`. A `mask` is True where one looks, or is added."""
    import torch

    if not skip_reshape:
        q, k, v = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (q, k, v))
    if mask is not None:
        while mask.ndim < 4:
            mask = mask.unsqueeze(0 if mask.ndim == 2 else 1)
    made = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return made if skip_output_reshape else made.transpose(1, 2).flatten(2)


def wrap_attn(func):
    """A decorator: `transformer_options["optimized_attention_override"]`, when there is one, is called with the function before the arguments."""
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        instead = (kwargs.get("transformer_options") or {}).get("optimized_attention_override")
        return func(*args, **kwargs) if instead is None else instead(func, *args, **kwargs)

    return wrapped


attention_pytorch = wrap_attn(attention_pytorch)
optimized_attention = optimized_attention_masked = attention_basic = attention_split = attention_sub_quad = attention_pytorch


REGISTERED_ATTENTION_FUNCTIONS = {"pytorch": attention_pytorch}


def register_attention_function(name, func):
    REGISTERED_ATTENTION_FUNCTIONS.setdefault(name, func)


def get_attention_function(name, default=...):
    """Raises KeyError without a `default`."""
    if name == "optimized":
        return optimized_attention
    return REGISTERED_ATTENTION_FUNCTIONS[name] if default is ... else REGISTERED_ATTENTION_FUNCTIONS.get(name, default)


def optimized_attention_for_device(device, mask=False, small_input=False):
    return optimized_attention


def get_attn_precision(attn_precision, current_dtype):
    return attn_precision


def default(val, d):
    return val if val is not None else d() if callable(d) and not isinstance(d, type) else d


def exists(val):
    return val is not None
