"""model_options of a ModelPatcher as changes of a native model."""
_PATCHES = {"attn1_patch", "attn2_patch", "attn1_output_patch", "attn2_output_patch", "input_block_patch", "input_block_patch_after_skip", "output_block_patch", "middle_patch"}


class Snapshot:
    """What a native model was changed by: lives as long as the functions in it."""

    def __init__(self, base, model_options, marks):
        self.base, self.model_options, self.marks = base, model_options, marks


class Holding:
    """A function that keeps a snapshot alive."""

    def __init__(self, function, snapshot):
        self._function, self._snapshot = function, snapshot

    def __call__(self, *args, **kwargs):
        return self._function(*args, **kwargs)


def copied(options):
    """Dicts and lists copied, what they hold kept."""
    if isinstance(options, dict):
        return {key: copied(value) for key, value in options.items()}
    return [copied(one) for one in options] if isinstance(options, list) else options


def cfg_function(function):
    """Functions of one argument get a dict; older ones of three get (cond, uncond, scale)."""
    import inspect

    try:
        is_old = len(inspect.signature(function).parameters) == 3
    except (TypeError, ValueError):
        is_old = False
    return (lambda args: function(args["cond"], args["uncond"], args["cond_scale"])) if is_old else function


def told(model_options, object_patches):
    """[(kind, function, options)] for _darkroom.model_patch(). Raises NotImplementedError for a change that Darkroom can't make."""
    for name in object_patches:
        raise NotImplementedError(f"ModelPatcher.add_object_patch({name!r}) can't change the model in Darkroom: its parts are native")
    for key in ("sampler_calc_cond_batch_function", "wrappers", "callbacks"):
        if model_options.get(key) or model_options.get("transformer_options", {}).get(key):
            raise NotImplementedError(f"model_options[{key!r}] is not there in Darkroom")
    needs = {"needs_uncond": bool(model_options.get("disable_cfg1_optimization", False))}
    changes = []
    for key in ("sampler_cfg_function", "denoise_mask_function"):
        if model_options.get(key) is not None:
            changes.append((key, model_options[key], needs))
    for key in ("sampler_pre_cfg_function", "sampler_post_cfg_function"):
        changes += [(key, function, needs) for function in model_options.get(key, [])]
    if model_options.get("model_function_wrapper") is not None:
        changes.append(("unet_wrapper", model_options["model_function_wrapper"], {}))
    return changes + _of_transformers(model_options.get("transformer_options", {}))


def _of_transformers(options):
    changes = []
    for name, functions in options.get("patches", {}).items():
        if functions and name not in _PATCHES:
            raise NotImplementedError(f"the patch {name!r} of a model is not there in Darkroom")
        changes += [(name, function, {}) for function in functions]
    for name, places in options.get("patches_replace", {}).items():
        if places and name not in ("attn1", "attn2"):
            raise NotImplementedError(f"the replacement {name!r} of a model is not there in Darkroom")
        for place, function in places.items():
            block, number, *index = place
            changes.append((f"{name}_replace", function, {"block": block, "number": number, "transformer_index": index[0] if index else None}))
    return changes
