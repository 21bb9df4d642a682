"""Conditionings and masks on their way into a run."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.sampler_helpers")


def convert_cond(cond):
    """[[text, options]] as [options with "cross_attn"]."""
    import uuid

    return [{**options, "cross_attn": text, "model_conds": dict(options.get("model_conds", {})), "uuid": uuid.uuid4()} for text, options in cond]


def prepare_mask(noise_mask, shape, device):
    from comfy.utils import reshape_mask

    return reshape_mask(noise_mask, shape).to(device)


def prepare_sampling(model, noise_shape, conds, model_options=None, force_full_load=False):
    """(model, conds, models loaded beside it): the worker loads by itself."""
    return model.model, conds, []


def get_models_from_cond(cond, model_type):
    return [one[model_type] for one in cond if model_type in one]


def get_additional_models(conds, dtype):
    """(models, bytes they need beside their weights): the worker's business."""
    return [], 0


def cleanup_additional_models(models):
    """The worker drops them by itself."""


def cleanup_models(conds, models):
    """As cleanup_additional_models()."""
