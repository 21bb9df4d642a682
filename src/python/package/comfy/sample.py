"""Sampling as functions: noise, sizes of latents, whole runs."""
from darkroom_host import sampling
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.sample")


def prepare_noise(latent_image, seed, noise_inds=None):
    """Of deviation 1 in the form of the latent; `noise_inds`: which pictures of a batch of the same seed."""
    import torch

    return prepare_noise_inner(latent_image, torch.manual_seed(seed), noise_inds)


def prepare_noise_inner(latent_image, generator, noise_inds=None):
    import torch

    def drawn(count):
        return torch.randn([count, *latent_image.shape[1:]], dtype=latent_image.dtype, layout=latent_image.layout, generator=generator, device="cpu")

    if noise_inds is None:
        return drawn(latent_image.shape[0])
    wanted = [int(index) for index in noise_inds]
    made = [drawn(1) for _ in range(max(wanted) + 1)]
    return torch.cat([made[index] for index in wanted])


def fix_empty_latent_channels(model, latent_image):
    """A latent of zeros gets the model's number of channels."""
    import comfy.utils

    channels = model.get_model_object("latent_format").latent_channels
    if latent_image.shape[1] != channels and latent_image.count_nonzero() == 0:
        return comfy.utils.repeat_to_batch_size(latent_image, channels, dim=1)
    return latent_image


def sample(model, noise, steps, cfg, sampler_name, scheduler, positive, negative, latent_image, denoise=1.0, disable_noise=False, start_step=None, last_step=None,
           force_full_denoise=False, noise_mask=None, sigmas=None, callback=None, disable_pbar=False, seed=None):
    """The sampled latent [B,C,h,w]."""
    from comfy.samplers import KSampler

    sampler = KSampler(model, steps=steps, device=model.load_device, sampler=sampler_name, scheduler=scheduler, denoise=denoise, model_options=model.model_options)
    return sampler.sample(noise, positive, negative, cfg=cfg, latent_image=latent_image, start_step=start_step, last_step=last_step, force_full_denoise=force_full_denoise,
                          denoise_mask=noise_mask, sigmas=sigmas, callback=callback, disable_pbar=disable_pbar, seed=seed)


def sample_custom(model, noise, cfg, sampler, sigmas, positive, negative, latent_image, noise_mask=None, callback=None, disable_pbar=False, seed=None):
    """As sample(), with a sampler object and its own sigmas."""
    return sampling.run(sampling.guider(model, positive, negative, cfg), noise, latent_image, sampler, sigmas, noise_mask, callback, seed)


def cleanup_additional_models(models):
    """The worker drops them by itself."""
