"""The registry of node classes, as packs see it, and the native classes by their Python names (made when they are asked for)."""
import _darkroom
from comfy.model_management import InterruptProcessingException, throw_exception_if_processing_interrupted  # noqa: F401
from darkroom_host import current
from darkroom_host.host_modules import rest
from darkroom_host.registry import display_names, node_classes

MAX_RESOLUTION = 16384
NODE_CLASS_MAPPINGS = node_classes()
NODE_DISPLAY_NAME_MAPPINGS = display_names()
EXTENSION_WEB_DIRS = {}
LOADED_MODULE_DIRS = {}

__getattr__ = rest("nodes")


def before_node_execution():
    throw_exception_if_processing_interrupted()


def interrupt_processing(value=True):
    """The prompt that the caller belongs to ends as one that a person interrupted."""
    if value:
        _darkroom.interrupt(current.number())


def common_ksampler(model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent, denoise=1.0, disable_noise=False, start_step=None, last_step=None,
                    force_full_denoise=False):
    """(latent,): what KSampler and KSamplerAdvanced do. `latent`: a dict with "samples" [B,C,h,w]."""
    import comfy.sample

    samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
    noise = samples.new_zeros(samples.shape) if disable_noise else comfy.sample.prepare_noise(samples, seed, latent.get("batch_index"))
    sampled = comfy.sample.sample(model, noise, steps, cfg, sampler_name, scheduler, positive, negative, samples, denoise=denoise, disable_noise=disable_noise,
                                  start_step=start_step, last_step=last_step, force_full_denoise=force_full_denoise, noise_mask=latent.get("noise_mask"), seed=seed)
    return ({**latent, "samples": sampled},)


def get_module_name(module_path):
    """The name of the folder or file of a pack."""
    import os

    name = os.path.basename(module_path)
    return name if os.path.isdir(module_path) else os.path.splitext(name)[0]
