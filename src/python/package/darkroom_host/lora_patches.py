"""Weights of LoRA files on native models."""
import _darkroom


class LoraPatches(dict):
    """What comfy.lora.load_lora() gives: {key: tensor} of the file, for add_patches()."""


def both(model, clip, lora, strength_model, strength_clip):
    """(MODEL capsule, CLIP capsule) with the LoRA; None for what was None."""
    return _darkroom.model_lora(model, clip, dict(lora), float(strength_model), float(strength_clip))[:2]


def on_model(capsule, patches, strength_patch, strength_model):
    _must(patches, strength_model)
    return both(capsule, None, patches, strength_patch, 0.0)[0], list(patches)


def on_clip(capsule, patches, strength_patch, strength_model):
    _must(patches, strength_model)
    return both(None, capsule, patches, 0.0, strength_patch)[1], list(patches)


def _must(patches, strength_model):
    if not isinstance(patches, LoraPatches):
        raise NotImplementedError("add_patches() takes what comfy.lora.load_lora() gave in Darkroom, not other changes of weights")
    if strength_model != 1.0:
        raise NotImplementedError("add_patches(): the model's own weights can't be scaled in Darkroom")
