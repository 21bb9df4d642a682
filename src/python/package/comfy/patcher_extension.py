"""Names of the places where packs hang functions around a run, and the dicts that hold them."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.patcher_extension")


class CallbacksMP:
    ON_CLONE, ON_LOAD, ON_DETACH, ON_CLEANUP, ON_PRE_RUN = "on_clone", "on_load_after", "on_detach_after", "on_cleanup", "on_pre_run"
    ON_PREPARE_STATE, ON_APPLY_HOOKS, ON_REGISTER_ALL_HOOK_PATCHES = "on_prepare_state", "on_apply_hooks", "on_register_all_hook_patches"
    ON_INJECT_MODEL, ON_EJECT_MODEL = "on_inject_model", "on_eject_model"


class WrappersMP:
    OUTER_SAMPLE, PREPARE_SAMPLING, SAMPLER_SAMPLE, PREDICT_NOISE = "outer_sample", "prepare_sampling", "sampler_sample", "predict_noise"
    CALC_COND_BATCH, APPLY_MODEL, DIFFUSION_MODEL = "calc_cond_batch", "apply_model", "diffusion_model"


class PatcherInjection:
    def __init__(self, inject, eject):
        self.inject, self.eject = inject, eject


def _place(kind, options, is_model_options):
    return (options.setdefault("transformer_options", {}) if is_model_options else options).setdefault(kind, {})


def add_wrapper_with_key(wrapper_type, key, wrapper, transformer_options, is_model_options=False):
    _place("wrappers", transformer_options, is_model_options).setdefault(wrapper_type, {}).setdefault(key, []).append(wrapper)


def add_wrapper(wrapper_type, wrapper, transformer_options, is_model_options=False):
    add_wrapper_with_key(wrapper_type, None, wrapper, transformer_options, is_model_options)


def add_callback_with_key(call_type, key, callback, transformer_options, is_model_options=False):
    _place("callbacks", transformer_options, is_model_options).setdefault(call_type, {}).setdefault(key, []).append(callback)


def add_callback(call_type, callback, transformer_options, is_model_options=False):
    add_callback_with_key(call_type, None, callback, transformer_options, is_model_options)


def get_wrappers_with_key(wrapper_type, key, transformer_options, is_model_options=False):
    return _place("wrappers", transformer_options, is_model_options).get(wrapper_type, {}).get(key, [])


def get_all_wrappers(wrapper_type, transformer_options, is_model_options=False):
    return [one for some in _place("wrappers", transformer_options, is_model_options).get(wrapper_type, {}).values() for one in some]


def copy_nested_dicts(input_dict):
    return {key: copy_nested_dicts(value) if isinstance(value, dict) else value.copy() if isinstance(value, list) else value for key, value in input_dict.items()}


def merge_nested_dicts(dict1, dict2, copy_dict1=True):
    """Dicts within are merged, lists joined; other values of the second win."""
    merged = copy_nested_dicts(dict1) if copy_dict1 else dict1
    for key, value in dict2.items():
        if isinstance(value, dict):
            merged[key] = merge_nested_dicts(merged.get(key, {}), value, copy_dict1=False)
        elif isinstance(value, list):
            merged[key] = merged.get(key, []) + value
        else:
            merged[key] = value
    return merged
