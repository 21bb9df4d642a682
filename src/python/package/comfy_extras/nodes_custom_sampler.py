"""Noise and guiders that packs make themselves; the node classes beside them are native."""
import comfy.sample
import comfy.samplers
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_extras.nodes_custom_sampler")


class Noise_EmptyNoise:
    seed = 0

    def generate_noise(self, input_latent):
        samples = input_latent["samples"]
        return samples.new_zeros(samples.shape, device="cpu")


class Noise_RandomNoise:
    def __init__(self, seed):
        self.seed = seed

    def generate_noise(self, input_latent):
        return comfy.sample.prepare_noise(input_latent["samples"], self.seed, input_latent.get("batch_index"))


class Guider_Basic(comfy.samplers.CFGGuider):
    """One conditioning, no negative."""

    def set_conds(self, positive):
        self.inner_set_conds({"positive": positive})
