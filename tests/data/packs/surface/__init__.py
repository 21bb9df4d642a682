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


NODE_CLASS_MAPPINGS = {"SurfaceCheck": Check, "SurfaceSample": Sample, "SurfaceThrough": Through}
__all__ = ["NODE_CLASS_MAPPINGS", "facades", "imports", "patches"]
