"""Samplers and schedulers by name, guiders, and the objects that run them. The names are those of the worker."""
import typing

import _darkroom
from darkroom_host import native, prediction, sampling
from darkroom_host.host_modules import Members, rest
from darkroom_host.objects import Made, PackFacade
from darkroom_host.prediction import calc_cond_batch, cfg_function, sampling_function  # noqa: F401

class SchedulerHandler(typing.NamedTuple):
    """handler(model_sampling, steps), or handler(n=, sigma_min=, sigma_max=) where `use_ms` is False: [steps + 1], falling to 0."""

    handler: typing.Callable
    use_ms: bool = True


SAMPLER_NAMES = []
SCHEDULER_NAMES = []
SCHEDULER_HANDLERS = {}  # packs add their own
KSAMPLER_NAMES = SAMPLER_NAMES

__getattr__ = rest("comfy.samplers")


def use(samplers, schedulers):
    SAMPLER_NAMES[:] = samplers
    SCHEDULER_NAMES[:] = schedulers
    SCHEDULER_HANDLERS.update({name: SchedulerHandler(_scheduler(name)) for name in schedulers})


def calculate_sigmas(model_sampling, scheduler_name, steps):
    """[steps + 1], falling to 0. `model_sampling`: what get_model_object("model_sampling") gives."""
    handler = SCHEDULER_HANDLERS.get(scheduler_name)
    if handler is None:
        raise ValueError(f"there is no scheduler {scheduler_name!r}")
    if handler.use_ms:
        return handler.handler(model_sampling, steps)
    return handler.handler(n=steps, sigma_min=float(model_sampling.sigma_min), sigma_max=float(model_sampling.sigma_max))


def _scheduler(name):
    def scheduler(model_sampling, steps):
        return sampling.sigmas_of(model_sampling.owner, name, steps)

    scheduler.__name__ = f"{name}_scheduler"
    return scheduler


simple_scheduler, ddim_scheduler = _scheduler("simple"), _scheduler("ddim_uniform")


def normal_scheduler(model_sampling, steps, sgm=False, floor=False):
    return sampling.sigmas_of(model_sampling.owner, "sgm_uniform" if sgm else "normal", steps)


def beta_scheduler(model_sampling, steps, alpha=0.6, beta=0.6):
    return native.values("BetaSamplingScheduler", model=model_sampling.owner, steps=steps, alpha=alpha, beta=beta)[0]


class Sampler(PackFacade):
    """A native SAMPLER; or, derived from in Python, an object with sample()."""

    in_comfy = "comfy.samplers.Sampler"
    members = Members("comfy.samplers.Sampler")
    _capsule = None

    def __init__(self):
        """One of a pack."""

    @property
    def capsule(self):
        if self._capsule is None:
            raise NotImplementedError(f"{type(self).__name__}: a sampler of a pack has to be a comfy.samplers.KSAMPLER in Darkroom")
        return self._capsule

    @capsule.setter
    def capsule(self, value):
        self._capsule = value

    def max_denoise(self, model_wrap, sigmas):
        """Does a run begin with nothing but noise?"""
        return float(model_wrap.inner_model.model_sampling.sigma_max) <= float(sigmas[0]) * (1 + 1e-5)

    def sample(self, model_wrap, sigmas, extra_args, callback, noise, latent_image=None, denoise_mask=None, disable_pbar=False):
        raise NotImplementedError("Sampler.sample is not there in Darkroom: CFGGuider.sample() and comfy.sample.sample_custom() run native samplers")


class KSAMPLER(Sampler):
    """A sampler written in Python: sampler_function(model, x, sigmas, extra_args=, callback=, disable=, **extra_options)."""

    def __init__(self, sampler_function, extra_options={}, inpaint_options={}):
        self.sampler_function, self.extra_options, self.inpaint_options = sampler_function, extra_options, inpaint_options
        self._native = Made()

    @property
    def capsule(self):
        return self._native.get(lambda: _darkroom.python_sampler(self._run), self)

    def _run(self, model, x, sigmas):
        """`model`: (x, sigma) -> denoised, of the run."""
        return self.sampler_function(_Denoiser(model), x, sigmas, extra_args={}, callback=None, disable=True, **self.extra_options)


class _Denoiser:
    """The model that sampler functions call: sigma is a tensor [B]."""

    def __init__(self, predict):
        self._predict = predict
        self.inner_model = self

    def __call__(self, x, sigma, **extra_args):
        return self._predict(x, float(sigma.flatten()[0]))


def ksampler(sampler_name, extra_options={}, inpaint_options={}):
    """A sampler by its name. `extra_options` of a native one can't be given: its nodes (SamplerDPMPP_2M_SDE and others) take them."""
    if extra_options:
        raise NotImplementedError(f"comfy.samplers.ksampler: options of the native sampler {sampler_name} can't be given")
    return sampler_object(sampler_name)


def sampler_object(name):
    return native.values("KSamplerSelect", sampler_name=name)[0]


class KSampler:
    """One model, one number of steps: sample() runs it."""

    SAMPLERS = SAMPLER_NAMES
    SCHEDULERS = SCHEDULER_NAMES
    DISCARD_PENULTIMATE_SIGMA_SAMPLERS = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}

    def __init__(self, model, steps, device, sampler=None, scheduler=None, denoise=None, model_options={}):
        self.model, self.device, self.model_options = model, device, model_options
        self.sampler = sampler if sampler in self.SAMPLERS else self.SAMPLERS[0]
        self.scheduler = scheduler if scheduler in self.SCHEDULERS else self.SCHEDULERS[0]
        self.denoise = denoise
        self.set_steps(steps, denoise)

    def calculate_sigmas(self, steps):
        model_sampling = self.model.get_model_object("model_sampling")
        if self.sampler not in self.DISCARD_PENULTIMATE_SIGMA_SAMPLERS:
            return calculate_sigmas(model_sampling, self.scheduler, steps)
        import torch

        sigmas = calculate_sigmas(model_sampling, self.scheduler, steps + 1)
        return torch.cat([sigmas[:-2], sigmas[-1:]])

    def set_steps(self, steps, denoise=None):
        import torch

        self.steps = steps
        if denoise is None or denoise > 0.9999:
            self.sigmas = self.calculate_sigmas(steps)
        else:
            self.sigmas = self.calculate_sigmas(int(steps / denoise))[-(steps + 1):] if denoise > 0 else torch.FloatTensor([])

    def sample(self, noise, positive, negative, cfg, latent_image=None, start_step=None, last_step=None, force_full_denoise=False, denoise_mask=None, sigmas=None, callback=None,
               disable_pbar=False, seed=None):
        sigmas = self.sigmas if sigmas is None else sigmas
        if last_step is not None and last_step < len(sigmas) - 1:
            sigmas = sigmas[:last_step + 1].clone()
            if force_full_denoise:
                sigmas[-1] = 0
        if start_step is not None:
            if start_step >= len(sigmas) - 1:
                return noise.new_zeros(noise.shape) if latent_image is None else latent_image
            sigmas = sigmas[start_step:]
        latent_image = noise.new_zeros(noise.shape) if latent_image is None else latent_image
        guider = sampling.guider(sampling.with_options(self.model, self.model_options), positive, negative, cfg)
        return sampling.run(guider, noise, latent_image, sampler_object(self.sampler), sigmas, denoise_mask, callback, seed)


def sample(model, noise, positive, negative, cfg, device, sampler, sigmas, model_options={}, latent_image=None, denoise_mask=None, callback=None, disable_pbar=False, seed=None):
    """As comfy.sample.sample_custom(), for `model` a ModelPatcher."""
    latent_image = noise.new_zeros(noise.shape) if latent_image is None else latent_image
    guider = sampling.guider(sampling.with_options(model, model_options), positive, negative, cfg)
    return sampling.run(guider, noise, latent_image, sampler, sigmas, denoise_mask, callback, seed)


class CFGGuider(PackFacade):
    """Guides by two conditionings and a scale. A class that overrides predict_noise() guides in Python."""

    in_comfy = "comfy.samplers.CFGGuider"
    members = Members("comfy.samplers.CFGGuider")

    def begin(self):
        self.model_patcher, self.model_options = None, {"transformer_options": {}}
        self.original_conds, self.conds, self.cfg = {}, {}, 1.0
        self._native = Made()

    def __init__(self, model_patcher):
        self._capsule = None  # of a guider that is native alone
        self._native = Made()
        self.model_patcher, self.model_options = model_patcher, model_patcher.model_options
        self.original_conds, self.conds, self.cfg = {}, {}, 1.0

    def set_conds(self, positive, negative):
        self.inner_set_conds({"positive": positive, "negative": negative})

    def inner_set_conds(self, conds):
        self.original_conds = {name: sampling.entries(entries) for name, entries in conds.items()}
        self.conds = dict(self.original_conds)
        self._native.forget()

    def set_cfg(self, cfg):
        self.cfg = cfg
        self._native.forget()

    @property
    def capsule(self):
        if self._capsule is not None:
            return self._capsule
        if self.model_patcher is None:
            raise NotImplementedError("a guider of a native node can't be changed in Darkroom: make a comfy.samplers.CFGGuider")
        return self._native.get(self._made, self)

    @capsule.setter
    def capsule(self, value):
        self._capsule = value

    def _made(self):
        model = sampling.with_options(self.model_patcher, self.model_options)
        conds = self.original_conds
        if type(self).predict_noise is CFGGuider.predict_noise and (set(conds) == {"positive", "negative"} or set(conds) == {"positive"} and self.cfg == 1.0):
            return sampling.guider(model, conds["positive"], conds.get("negative"), self.cfg).capsule
        names = list(self.conds)
        return _darkroom.python_guider(model, [self.conds[name] for name in names], self._guide)

    def _guide(self, predict, x, sigma):
        self.inner_model = self.model_patcher.model
        with prediction.during(predict, list(self.conds.values())):
            return self.predict_noise(x, x.new_full([x.shape[0]], sigma), self.model_options, None)

    def predict_noise(self, x, timestep, model_options={}, seed=None):
        """The denoised latent; `x` and the result as the sampler has them, `timestep` sigma as a tensor [B]."""
        return sampling_function(self.model_patcher.model, x, timestep, self.conds.get("negative"), self.conds.get("positive"), self.cfg, model_options=model_options, seed=seed)

    def outer_predict_noise(self, x, timestep, model_options={}, seed=None):
        return self.predict_noise(x, timestep, model_options, seed)

    def __call__(self, *args, **kwargs):
        return self.outer_predict_noise(*args, **kwargs)

    def sample(self, noise, latent_image, sampler, sigmas, denoise_mask=None, callback=None, disable_pbar=False, seed=None):
        """The sampled latent. `noise` [B,C,h,w] of deviation 1."""
        return sampling.run(self, noise, latent_image, sampler, sigmas, denoise_mask, callback, seed)
