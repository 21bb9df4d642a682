"""What a model predicts, asked from Python: for guiders of packs."""
import contextlib
import contextvars

import _darkroom

from . import current, patches, sampling

_run = contextvars.ContextVar("run", default=None)  # (predict, the conditionings that it knows by their place)


@contextlib.contextmanager
def during(predict, conditionings):
    """Within a native run that asks a guider of a pack: `predict(number of the conditioning, x, sigma)` is the run's own, which knows its ControlNets, masks and areas."""
    token = _run.set((predict, conditionings))
    try:
        yield
    finally:
        _run.reset(token)


def calc_cond_batch(model, conds, x_in, timestep, model_options):
    """The denoised latent of each conditioning in `conds`; zeros for one that is None."""
    sigma = float(timestep.flatten()[0])
    return [x_in.new_zeros(x_in.shape) if cond is None else _predicted(model, cond, x_in, sigma) for cond in conds]


def _predicted(model, cond, x, sigma):
    predict, known = _run.get() or (None, ())
    for number, one in enumerate(known):
        if one is cond:
            return predict(number, x, sigma)
    return _darkroom.model_predict(current.number(), model.owner, x, sigma, sampling.entries(cond))


def sampling_function(model, x, timestep, uncond, cond, cond_scale, model_options={}, seed=None):
    """The denoised latent under classifier-free guidance. The negative is not asked for where it counts for nothing."""
    if abs(cond_scale - 1.0) < 1e-9 and not model_options.get("disable_cfg1_optimization", False):
        uncond = None
    given = [cond, uncond]
    predicted = calc_cond_batch(model, given, x, timestep, model_options)
    for function in model_options.get("sampler_pre_cfg_function", []):
        predicted = patches.changed_before(function, x, timestep, cond_scale, given, predicted, {"model": model, "model_options": model_options})
    return cfg_function(model, predicted[0], predicted[1], cond_scale, x, timestep, model_options=model_options, cond=cond, uncond=uncond)


def cfg_function(model, cond_pred, uncond_pred, cond_scale, x, timestep, model_options={}, cond=None, uncond=None):
    """uncond + (cond - uncond) * scale, or what a function in `model_options` makes of them; then the functions that come after."""
    more = {"model": model, "model_options": model_options}
    if "sampler_cfg_function" in model_options:
        mixed = patches.guided(model_options["sampler_cfg_function"], x, timestep, cond_scale, cond_pred, uncond_pred, {**more, "input_cond": cond, "input_uncond": uncond})
    else:
        mixed = uncond_pred + (cond_pred - uncond_pred) * cond_scale
    for function in model_options.get("sampler_post_cfg_function", []):
        mixed = patches.changed_after(function, x, timestep, cond_scale, cond_pred, uncond_pred, mixed, {**more, "cond": cond, "uncond": uncond})
    return mixed
