"""A pack for tests/e2e/test_python_surface.py: what ComfyUI's modules offer to packs, used as packs use it."""
import json

from . import facades, imports, patches
from .checks import CHECKS


class Check:
    """Runs one function of CHECKS and shows what it found, as JSON."""

    RETURN_TYPES = ()
    FUNCTION = "go"
    CATEGORY = "tests"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"name": (sorted(CHECKS),)}}

    def go(self, name):
        return {"ui": {"found": [json.dumps(CHECKS[name]())]}}


class Sample:
    """KSampler by comfy's functions."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "go"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",), "latent": ("LATENT",)}}

    def go(self, model, positive, negative, latent):
        import nodes

        return nodes.common_ksampler(model, 7, 3, 5.0, "dpmpp_2m", "karras", positive, negative, latent)


class Through:
    """Text, sampling and decoding on the objects themselves."""

    RETURN_TYPES = ("IMAGE", "CONDITIONING")
    FUNCTION = "go"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"clip": ("CLIP",), "vae": ("VAE",), "latent": ("LATENT",), "text": ("STRING", {})}}

    def go(self, clip, vae, latent, text):
        return vae.decode(latent["samples"]), clip.encode_from_tokens_scheduled(clip.tokenize(text))


class Make:
    """Objects of Python that go through native nodes and back."""

    RETURN_TYPES = ("MODEL", "GUIDER", "NOISE", "SAMPLER")
    FUNCTION = "go"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "positive": ("CONDITIONING",)}}

    def go(self, model, positive):
        import comfy.samplers
        from comfy.k_diffusion.sampling import sample_euler

        changed = model.clone()
        changed.set_model_sampler_post_cfg_function(lambda args: args["denoised"])
        changed.model_options["transformer_options"]["mine"] = 3
        guider = facades.Mixed(model)
        guider.set_conds(positive, positive)
        guider.set_cfg(4.0)
        return changed, guider, facades.Noise(), comfy.samplers.KSAMPLER(sample_euler)


class Seen:
    """What another node of the pack gets of them."""

    RETURN_TYPES = ()
    FUNCTION = "go"
    CATEGORY = "tests"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "guider": ("GUIDER",), "noise": ("NOISE",), "sampler": ("SAMPLER",)}}

    def go(self, model, guider, noise, sampler):
        options = model.model_options
        told = [options["transformer_options"].get("mine"), len(options.get("sampler_post_cfg_function", [])), guider.cfg, *(type(one).__name__ for one in (guider, noise, sampler))]
        return {"ui": {"found": [json.dumps(told)]}}


NODE_CLASS_MAPPINGS = {"SurfaceMake": Make, "SurfaceSeen": Seen, "SurfaceCheck": Check, "SurfaceSample": Sample, "SurfaceThrough": Through}
__all__ = ["NODE_CLASS_MAPPINGS", "facades", "imports", "patches"]
