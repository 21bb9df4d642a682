"""SD1.x's noise schedule, and a sampler for figures."""
import torch

STEPS = 1000
BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
KEPT = torch.cumprod(1 - BETAS, 0).float()  # share of the picture's variance at each timestep


def noised(latents, noise, t):
    kept = KEPT[t].view(-1, 1, 1, 1)
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise


def weights(t, most=5.0, of_noise=25.0):
    """Of the noise's squared error: as if the velocity were predicted (Salimans & Ho 2022), but at most `most` of the picture's own error (Hang et al. 2023). Plain ones
    leave next to nothing to the high timesteps, where words decide."""
    snr = KEPT[t] / (1 - KEPT[t])
    return ((1 + snr).clamp_max(most) / snr).clamp_max(of_noise)


SIGMAS = ((1 - KEPT) / KEPT).sqrt()


def sigmas_of(steps):
    """[steps+1]: what KSampler's scheduler "normal" gives, evenly apart in time; the last is 0."""
    times = torch.linspace(STEPS - 1, 0, steps)
    low, high, along = times.floor().long(), times.ceil().long(), times.frac()
    logs = SIGMAS.log()
    return torch.cat([(logs[low] * (1 - along) + logs[high] * along).exp(), torch.zeros(1)])


def noises_of(seeds, side):
    """[N,4,side,side]: each as EmptyLatentImage and KSampler begin with this seed and a batch of one."""
    return torch.cat([torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.no_grad()
def sample(unet, text, empty, noises, steps=20, cfg=4.0):
    """text [B,77,W], empty [1,77,W], noises [B,4,H,W] -> latents [B,4,H,W] in the sampler's units: KSampler's "euler" with "normal"."""
    sigmas = sigmas_of(steps)
    x = noises * (1 + sigmas[0] ** 2).sqrt()
    both = torch.cat([text, empty.expand(len(text), -1, -1)])
    for sigma, after in zip(sigmas, sigmas[1:]):
        t = (SIGMAS.log() - sigma.log()).abs().argmin().expand(2 * len(x))
        with_text, without = unet(torch.cat([x, x]) / (1 + sigma ** 2).sqrt(), t, both).float().chunk(2)
        x = x + (without + cfg * (with_text - without)) * (after - sigma)
    return x
