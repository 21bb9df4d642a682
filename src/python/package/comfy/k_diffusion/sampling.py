"""Sampling loops in Python, model(x, sigma [B], **extra_args) -> denoised, by the published formulas (Karras et al. 2022, Lu et al. 2022). Native runs have their own."""
import math

from comfy.k_diffusion.utils import append_dims
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.k_diffusion.sampling")


def append_zero(x):
    import torch

    return torch.cat([x, x.new_zeros([1])])


# ---- schedules: [n + 1], falling to 0

def get_sigmas_karras(n, sigma_min, sigma_max, rho=7.0, device="cpu"):
    import torch

    ramp = torch.linspace(0, 1, n, device=device)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return append_zero((high + ramp * (low - high)) ** rho).to(device)


def get_sigmas_exponential(n, sigma_min, sigma_max, device="cpu"):
    import torch

    return append_zero(torch.linspace(math.log(sigma_max), math.log(sigma_min), n, device=device).exp())


def get_sigmas_polyexponential(n, sigma_min, sigma_max, rho=1.0, device="cpu"):
    import torch

    ramp = torch.linspace(1, 0, n, device=device) ** rho
    return append_zero((ramp * (math.log(sigma_max) - math.log(sigma_min)) + math.log(sigma_min)).exp())


def get_sigmas_vp(n, beta_d=19.9, beta_min=0.1, eps_s=1e-3, device="cpu"):
    import torch

    t = torch.linspace(1, eps_s, n, device=device)
    return append_zero((torch.exp(beta_d * t**2 / 2 + beta_min * t) - 1).sqrt())


def get_sigmas_laplace(n, sigma_min, sigma_max, mu=0.0, beta=0.5, device="cpu"):
    import torch

    x = torch.linspace(0, 1, n, device=device)
    spread = mu - beta * torch.sign(0.5 - x) * torch.log(1 - 2 * (0.5 - x).abs() + 1e-5)
    return spread.exp().clamp(min=sigma_min, max=sigma_max)


# ---- steps

def to_d(x, sigma, denoised):
    return (x - denoised) / append_dims(sigma, x.ndim)


def get_ancestral_step(sigma_from, sigma_to, eta=1.0):
    """(sigma down to which to step, sigma of the noise to add)."""
    if not eta:
        return sigma_to, 0.0
    sigma_up = min(sigma_to, eta * (sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2) ** 0.5)
    return (sigma_to**2 - sigma_up**2) ** 0.5, sigma_up


def default_noise_sampler(x, seed=None):
    """noise(sigma, sigma_next) of the form of x."""
    import torch

    generator = None
    if seed is not None:
        generator = torch.Generator(device=x.device)
        generator.manual_seed(seed)
    return lambda sigma, sigma_next: torch.randn(x.size(), dtype=x.dtype, layout=x.layout, device=x.device, generator=generator)


class _Loop:
    """What all loops do at each step."""

    def __init__(self, model, x, sigmas, extra_args, callback):
        self.model, self.sigmas, self.callback = model, sigmas, callback
        self.extra_args = extra_args or {}
        self.ones = x.new_ones([x.shape[0]])

    def __iter__(self):
        return ((i, self.sigmas[i], self.sigmas[i + 1]) for i in range(len(self.sigmas) - 1))

    def denoised(self, x, sigma, i=None):
        made = self.model(x, sigma * self.ones, **self.extra_args)
        if i is not None and self.callback is not None:
            self.callback({"x": x, "i": i, "sigma": self.sigmas[i], "sigma_hat": sigma, "denoised": made})
        return made

    def noise(self, x, noise_sampler):
        return default_noise_sampler(x, self.extra_args.get("seed")) if noise_sampler is None else noise_sampler


def _churned(x, sigma, steps, s_churn, s_tmin, s_tmax, s_noise):
    """(x, sigma) with some noise added before a step."""
    import torch

    gamma = min(s_churn / steps, 2**0.5 - 1) if s_churn > 0 and s_tmin <= sigma <= s_tmax else 0.0
    raised = sigma * (gamma + 1)
    if gamma > 0:
        x = x + torch.randn_like(x) * s_noise * (raised**2 - sigma**2) ** 0.5
    return x, raised


def sample_euler(model, x, sigmas, extra_args=None, callback=None, disable=None, s_churn=0.0, s_tmin=0.0, s_tmax=float("inf"), s_noise=1.0):
    loop = _Loop(model, x, sigmas, extra_args, callback)
    for i, sigma, following in loop:
        x, raised = _churned(x, sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax, s_noise)
        x = x + to_d(x, raised, loop.denoised(x, raised, i)) * (following - raised)
    return x


def sample_euler_ancestral(model, x, sigmas, extra_args=None, callback=None, disable=None, eta=1.0, s_noise=1.0, noise_sampler=None):
    loop = _Loop(model, x, sigmas, extra_args, callback)
    noise = loop.noise(x, noise_sampler)
    for i, sigma, following in loop:
        denoised = loop.denoised(x, sigma, i)
        down, up = get_ancestral_step(sigma, following, eta)
        x = denoised if down == 0 else x + to_d(x, sigma, denoised) * (down - sigma)
        if following > 0:
            x = x + noise(sigma, following) * s_noise * up
    return x


def sample_heun(model, x, sigmas, extra_args=None, callback=None, disable=None, s_churn=0.0, s_tmin=0.0, s_tmax=float("inf"), s_noise=1.0):
    loop = _Loop(model, x, sigmas, extra_args, callback)
    for i, sigma, following in loop:
        x, raised = _churned(x, sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax, s_noise)
        slope = to_d(x, raised, loop.denoised(x, raised, i))
        reached = x + slope * (following - raised)
        if following > 0:
            slope = (slope + to_d(reached, following, loop.denoised(reached, following))) / 2
            reached = x + slope * (following - raised)
        x = reached
    return x


def sample_dpm_2(model, x, sigmas, extra_args=None, callback=None, disable=None, s_churn=0.0, s_tmin=0.0, s_tmax=float("inf"), s_noise=1.0):
    loop = _Loop(model, x, sigmas, extra_args, callback)
    for i, sigma, following in loop:
        x, raised = _churned(x, sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax, s_noise)
        slope = to_d(x, raised, loop.denoised(x, raised, i))
        if following > 0:
            between = (raised.log() / 2 + following.log() / 2).exp()
            half = x + slope * (between - raised)
            slope = to_d(half, between, loop.denoised(half, between))
        x = x + slope * (following - raised)
    return x


def sample_dpmpp_2m(model, x, sigmas, extra_args=None, callback=None, disable=None):
    loop = _Loop(model, x, sigmas, extra_args, callback)
    before, width = None, None
    for i, sigma, following in loop:
        denoised = loop.denoised(x, sigma, i)
        if following == 0:
            return denoised
        h = sigma.log() - following.log()
        towards = denoised
        if before is not None:
            r = width / h
            towards = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * before
        x = (following / sigma) * x - (-h).expm1() * towards
        before, width = denoised, h
    return x
