"""Attention for the networks and patches of packs."""
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


optimized_attention = optimized_attention_masked = attention_basic = attention_split = attention_sub_quad = attention_pytorch


def optimized_attention_for_device(device, mask=False, small_input=False):
    return optimized_attention


def get_attn_precision(attn_precision, current_dtype):
    return attn_precision


def default(val, d):
    return val if val is not None else d() if callable(d) and not isinstance(d, type) else d


def exists(val):
    return val is not None
