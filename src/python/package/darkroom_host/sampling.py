"""Runs of samplers on the native engine, for the functions of comfy.sample and comfy.samplers."""
import _darkroom

from . import current, native


def entries(conditioning):
    """A conditioning as native nodes take it. Copies of convert_cond()'s form are turned back."""
    told = []
    for one in conditioning:
        if isinstance(one, dict):
            options = {key: value for key, value in one.items() if key not in ("cross_attn", "model_conds", "uuid")}
            one = [one["cross_attn"], options]
        told.append(one)
    return told


def with_options(model, model_options):
    """The ModelPatcher with these model_options instead of its own; {} and None: with its own."""
    if not model_options or model_options is model.model_options:
        return model
    changed = model.clone()
    changed.model_options = model_options
    return changed


def guider(model, positive, negative=None, cfg=1.0):
    """A native GUIDER."""
    if negative is None:
        return native.values("BasicGuider", model=model, conditioning=entries(positive))[0]
    return native.values("CFGGuider", model=model, positive=entries(positive), negative=entries(negative), cfg=float(cfg))[0]


def run(guider, noise, latent, sampler, sigmas, mask=None, callback=None, seed=None):
    """The sampled latent, in the form of a LATENT's "samples". `noise` [B,C,h,w] of deviation 1; callback(step, denoised, x, steps)."""
    if sigmas.shape[-1] == 0:
        return latent
    return _darkroom.guider_sample(current.number(), guider, noise, latent, sampler, sigmas, mask, callback, 0 if seed is None else int(seed))


def sigmas_of(model, scheduler, steps, denoise=1.0):
    """[steps + 1], falling to 0."""
    return native.values("BasicScheduler", model=model, scheduler=scheduler, steps=int(steps), denoise=float(denoise))[0]
