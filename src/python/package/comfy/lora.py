"""LoRA files as patches of models. Which key of a file belongs to which weight is the worker's knowledge."""
from darkroom_host.host_modules import rest
from darkroom_host.lora_patches import LoraPatches

__getattr__ = rest("comfy.lora")


def model_lora_keys_unet(model, key_map={}):
    return key_map


def model_lora_keys_clip(model, key_map={}):
    return key_map


def load_lora(lora, to_load, log_missing=True):
    """For add_patches() of a ModelPatcher or a CLIP."""
    return LoraPatches(lora)
