"""SD1.x's noise schedule, and a plain sampler for figures."""
import torch

STEPS = 1000
BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
KEPT = torch.cumprod(1 - BETAS, 0).float()  # share of the picture's variance at each timestep


def noised(latents, noise, t):
    kept = KEPT[t].view(-1, 1, 1, 1)
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise


def weights(t, most=5.0, of_noise=10.0):
    """Of the noise's squared error: as if the velocity were predicted (Salimans & Ho 2022), but at most `most` of the picture's own error (Hang et al. 2023). Plain ones
    leave next to nothing to the high timesteps, where words decide."""
    snr = KEPT[t] / (1 - KEPT[t])
    return ((1 + snr).clamp_max(most) / snr).clamp_max(of_noise)


@torch.no_grad()
def sample(unet, text, empty, side, steps=20, cfg=4.0, seed=0):
    """text [B,77,W], empty [1,77,W] -> latents [B,4,side,side] in the sampler's units: DDIM (Song et al. 2020) without new noise."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(len(text), 4, side, side, generator=draw)
    both = torch.cat([text, empty.expand(len(text), -1, -1)])
    times = torch.linspace(STEPS - 1, 0, steps + 1).round().long()
    for t, after in zip(times, times[1:]):
        with_text, without = unet(torch.cat([x, x]), t.expand(2 * len(x)), both).float().chunk(2)
        noise = without + cfg * (with_text - without)
        clean = (x - (1 - KEPT[t]).sqrt() * noise) / KEPT[t].sqrt()
        x = clean if after == 0 else KEPT[after].sqrt() * clean + (1 - KEPT[after]).sqrt() * noise
    return x
