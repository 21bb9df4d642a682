"""Between native networks and the functions with which packs change a model: each gets the arguments that it was written for.

C++ (src/python/model_patches.cpp) calls what adapted() gives.  Tensors belong to whoever gets them.  `place` is where in the UNet, `step` what
a step of guidance knows; see place_tuple() and step_tuple() there.  `model`: the capsule of the MODEL that is patched."""
import functools

from . import handles


def adapted(name, function, model):
    """The function of this module that calls `function`; those of guidance know the model."""
    adapter = globals()[name]
    return functools.partial(adapter, function) if model is None else functools.partial(adapter, function, model)


def options_of(place):
    """transformer_options of a place in the network."""
    part, block, block_index, transformer_index, heads, channels, height, width, lists, shape, sigmas, schedule = place
    return {
        "block": (part, block), "block_index": block_index, "transformer_index": transformer_index, "n_heads": heads, "dim_head": channels // heads if heads else channels,
        "activations_shape": [shape[0], channels, height, width], "original_shape": shape, "cond_or_uncond": lists, "sigmas": sigmas, "sample_sigmas": schedule,
        "patches": {}, "patches_replace": {},
    }


def tokens(function, n, place):
    return function(n, options_of(place))


def sources(function, queries, keys, values, place):
    return function(queries, keys, values, options_of(place))


def attention(function, q, k, v, place):
    return function(q, k, v, options_of(place))


def image(function, h, place):
    return function(h, options_of(place))


def skip(function, h, hsp, place):
    return function(h, hsp, options_of(place))


def around_network(function, apply_model, x, sigmas, context, lists):
    def apply(input_x, timestep, **c):
        other = c.get("c_crossattn")
        if other is not None and other is not context:
            raise NotImplementedError("a wrapper of the network can't give it another text in Darkroom")
        return apply_model(input_x, timestep)

    options = {"cond_or_uncond": lists, "sigmas": sigmas, "patches": {}, "patches_replace": {}}
    return function(apply, {"input": x, "timestep": sigmas, "c": {"c_crossattn": context, "transformer_options": options}, "cond_or_uncond": lists})


def _known(model, step):
    """(x, sigmas [B], scale, what every function of guidance is told besides; the denoised latents) of a native step."""
    import torch

    x, sigma, cfg, denoised, schedule = step
    return (x, torch.full((x.shape[0],), sigma), cfg, {"model": _network(model), "model_options": {"transformer_options": {"sample_sigmas": schedule}}}), denoised


def _network(model):
    return handles.make("MODEL", model).model


def guided(function, x, sigmas, cond_scale, cond, uncond, more):
    """The denoised latent; the function gives what the guided noise is: x less that."""
    return x - function({**more, "input": x, "sigma": sigmas, "timestep": sigmas, "cond_scale": cond_scale, "cond": x - cond, "uncond": x - uncond,
                         "cond_denoised": cond, "uncond_denoised": uncond})


def changed_after(function, x, sigmas, cond_scale, cond, uncond, result, more):
    """The denoised latent when the function has seen it. Of the conditionings themselves `more` tells, where they are known."""
    return function({"cond": None, "uncond": None, **more, "input": x, "sigma": sigmas, "timestep": sigmas, "cond_scale": cond_scale, "denoised": result,
                     "cond_denoised": cond, "uncond_denoised": uncond})


def changed_before(function, x, sigmas, cond_scale, conds, denoised, more):
    """The denoised latents of `conds` when the function has seen them."""
    return function({**more, "input": x, "sigma": sigmas, "timestep": sigmas, "cond_scale": cond_scale, "conds": conds, "conds_out": denoised})


def guidance(function, model, step):
    (x, sigmas, cfg, more), (cond, uncond, *_) = _known(model, step)
    return guided(function, x, sigmas, cfg, cond, uncond, more)


def after_guidance(function, model, step, result):
    (x, sigmas, cfg, more), denoised = _known(model, step)
    return changed_after(function, x, sigmas, cfg, denoised[0], denoised[1] if len(denoised) > 1 else None, result, more)


def before_guidance(function, model, step):
    """As many denoised latents as there were; one that was not computed stays away."""
    (x, sigmas, cfg, more), denoised = _known(model, step)
    changed = changed_before(function, x, sigmas, cfg, [None] * len(denoised), denoised, more)
    return [old if new is None else new for new, old in zip(changed, [x if one is None else one for one in denoised])]


def denoise_mask(function, model, mask, sigma, schedule):
    import torch

    return function(torch.full((mask.shape[0],), sigma), mask, extra_options={"model": _network(model), "sigmas": schedule})
