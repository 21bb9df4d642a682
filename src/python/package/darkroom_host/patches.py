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


def _guidance_arguments(model, step):
    import torch

    x, sigma, cfg, denoised, schedule = step
    sigmas = torch.full((x.shape[0],), sigma)
    return {"input": x, "sigma": sigmas, "timestep": sigmas, "cond_scale": cfg, "model": _network(model), "model_options": {"transformer_options": {"sample_sigmas": schedule}}}, denoised


def _network(model):
    return handles.make("MODEL", model).model


def guidance(function, model, step):
    """The function gives what the guided noise is: x less the denoised latent."""
    arguments, (cond, uncond, *_) = _guidance_arguments(model, step)
    x = arguments["input"]
    return x - function({**arguments, "cond": x - cond, "uncond": x - uncond, "cond_denoised": cond, "uncond_denoised": uncond})


def after_guidance(function, model, step, result):
    arguments, denoised = _guidance_arguments(model, step)
    uncond = denoised[1] if len(denoised) > 1 else None
    return function({**arguments, "denoised": result, "cond": None, "uncond": None, "cond_denoised": denoised[0], "uncond_denoised": uncond})


def before_guidance(function, model, step):
    """As many denoised latents as there were; one that was not computed stays away."""
    arguments, denoised = _guidance_arguments(model, step)
    changed = function({**arguments, "conds": [None] * len(denoised), "conds_out": denoised})
    return [old if new is None else new for new, old in zip(changed, [one if one is not None else arguments["input"] for one in denoised])]


def denoise_mask(function, model, mask, sigma, schedule):
    import torch

    return function(torch.full((mask.shape[0],), sigma), mask, extra_options={"model": _network(model), "sigmas": schedule})
