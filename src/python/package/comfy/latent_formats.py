"""What the latents of a family of models are: numbers of channels, scale, colours of a rough preview."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.latent_formats")


class LatentFormat:
    scale_factor = 1.0
    latent_channels = 4
    latent_dimensions = 2
    latent_rgb_factors = latent_rgb_factors_bias = latent_rgb_factors_reshape = taesd_decoder_name = None

    def process_in(self, latent):
        """From what an autoencoder gives to what the network takes."""
        return latent * self.scale_factor

    def process_out(self, latent):
        return latent / self.scale_factor

    @classmethod
    def told(cls, info):
        """Of a model, by what the worker tells of it."""
        known = (info["latent_scale"], info["latent_channels"])
        made = next((kind for kind in (SD15, SDXL, SDXL_Playground_2_5) if (kind.scale_factor, kind.latent_channels) == known), LatentFormat)()
        made.scale_factor, made.latent_channels = info["latent_scale"], info["latent_channels"]
        made.latent_rgb_factors, made.latent_rgb_factors_bias = info["latent_rgb"], info["latent_rgb_bias"]
        return made


# The rows of colours are a least-squares fit to previews of known flat latents.

class SD15(LatentFormat):
    scale_factor = 0.18215
    latent_rgb_factors = [[0.347, 0.228, 0.318], [0.325, 0.491, 0.240], [-0.269, 0.171, 0.263], [-0.213, -0.260, -0.698]]
    taesd_decoder_name = "taesd_decoder"

    def __init__(self, scale_factor=0.18215):
        self.scale_factor = scale_factor


class SDXL(LatentFormat):
    scale_factor = 0.13025
    latent_rgb_factors = [[0.365, 0.421, 0.432], [-0.244, -0.006, 0.099], [0.105, 0.110, -0.030], [-0.311, -0.248, -0.219]]
    latent_rgb_factors_bias = [0.109, -0.017, -0.002]
    taesd_decoder_name = "taesdxl_decoder"


class SDXL_Playground_2_5(LatentFormat):
    """Its statistics are published with the model's autoencoder."""

    scale_factor = 0.5
    latent_rgb_factors, latent_rgb_factors_bias = SDXL.latent_rgb_factors, SDXL.latent_rgb_factors_bias
    taesd_decoder_name = "taesdxl_decoder"

    def _statistics(self, latent):
        import torch

        mean, deviation = [-1.6574, 1.886, -1.383, 2.5155], [8.4927, 5.9022, 6.5498, 5.2299]
        return (torch.tensor(numbers, dtype=latent.dtype, device=latent.device).reshape(1, 4, 1, 1) for numbers in (mean, deviation))

    def process_in(self, latent):
        mean, deviation = self._statistics(latent)
        return (latent - mean) * self.scale_factor / deviation

    def process_out(self, latent):
        mean, deviation = self._statistics(latent)
        return latent * deviation / self.scale_factor + mean
