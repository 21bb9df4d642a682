"""A MODEL as packs know it: a patch is an entry in `model_options`, and the native model is changed when the object goes back to the worker."""
import copy

import _darkroom
from comfy.patcher_extension import CallbacksMP, PatcherInjection, WrappersMP  # noqa: F401
from darkroom_host import lora_patches, model_changes
from darkroom_host.host_modules import Members, rest
from darkroom_host.objects import Facade, remember, remembered

__getattr__ = rest("comfy.model_patcher")


def create_model_options_clone(orig_model_options):
    return model_changes.copied(orig_model_options)


def set_model_options_patch_replace(model_options, patch, name, block_name, number, transformer_index=None):
    """A copy with the attention `name` ("attn1", "attn2") of a block replaced."""
    options = model_options["transformer_options"] = copy.copy(model_options.get("transformer_options", {}))
    replaced = options["patches_replace"] = copy.copy(options.get("patches_replace", {}))
    replaced[name] = {**replaced.get(name, {}), (block_name, number) if transformer_index is None else (block_name, number, transformer_index): patch}
    return model_options


def set_model_options_post_cfg_function(model_options, post_cfg_function, disable_cfg1_optimization=False):
    return _with_function(model_options, "sampler_post_cfg_function", post_cfg_function, disable_cfg1_optimization)


def set_model_options_pre_cfg_function(model_options, pre_cfg_function, disable_cfg1_optimization=False):
    return _with_function(model_options, "sampler_pre_cfg_function", pre_cfg_function, disable_cfg1_optimization)


def _with_function(model_options, key, function, disable_cfg1_optimization):
    model_options[key] = model_options.get(key, []) + [function]
    if disable_cfg1_optimization:
        model_options["disable_cfg1_optimization"] = True
    return model_options


class ModelPatcher(Facade):
    """A native model; or a torch module of a pack's own, ModelPatcher(module, load_device, offload_device), that is moved to its device when it is loaded."""

    in_comfy = "comfy.model_patcher.ModelPatcher"
    members = Members("comfy.model_patcher.ModelPatcher")

    def __init__(self, model, load_device=None, offload_device=None, size=0, weight_inplace_update=False):
        self._base = None
        self._begin(load_device, offload_device)
        self._model, self.size = model, size

    def begin(self):
        from comfy.model_management import get_torch_device, unet_offload_device

        before, snapshot = self._base, remembered(self._base)
        self._begin(get_torch_device(), unet_offload_device())
        if snapshot is not None:  # a pack has changed it: what it said is there again
            self._base, self.model_options = snapshot.base, model_changes.copied(snapshot.model_options)
            self._changed = (snapshot.marks, _darkroom.weak(before), snapshot)

    def _begin(self, load_device, offload_device):
        self.load_device, self.offload_device = load_device, offload_device
        self.model_options = {"transformer_options": {}}
        self.object_patches, self.attachments, self.patches, self.injections, self.additional_models = {}, {}, {}, {}, {}
        self._model = None
        self._changed = (None, None, None)
        self.parent = None
        self.patches_uuid = None

    @property
    def capsule(self):
        """The native model with all that `model_options` says."""
        changes = model_changes.told(self.model_options, self.object_patches)
        if not changes:
            return self._base
        marks = [(kind, id(function), str(options)) for kind, function, options in changes]
        capsule = _darkroom.strong(self._changed[1]) if self._changed[0] == marks else None
        if capsule is None:
            snapshot = model_changes.Snapshot(self._base, model_changes.copied(self.model_options), marks)
            capsule = self._base
            for kind, function, options in changes:
                capsule = _darkroom.model_patch(capsule, kind, model_changes.Holding(function, snapshot), options)
            self._changed = (marks, remember(capsule, snapshot), snapshot)
        return capsule

    @capsule.setter
    def capsule(self, value):
        self._base = value
        self._changed = (None, None, None)

    @property
    def model(self):
        if self._model is None:
            from comfy.model_base import BaseModel

            self._model = BaseModel(self)
        return self._model

    @model.setter
    def model(self, value):
        self._model = value

    def clone(self, *_, **__):
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.model_options = model_changes.copied(self.model_options)
        for name in ("object_patches", "attachments", "patches", "injections", "additional_models"):
            setattr(made, name, dict(getattr(self, name)))
        made.parent = self
        if self._base is not None:
            made._model = None
        return made

    def is_clone(self, other):
        """The same network, whatever its patches?"""
        return hasattr(other, "_root") and self._root() == other._root()

    def _root(self):
        oldest = self
        while oldest.parent is not None:
            oldest = oldest.parent
        return _darkroom.object_key(oldest._base) if oldest._base is not None else id(oldest._model)

    def clone_has_same_weights(self, clone):
        return self.is_clone(clone) and (self._base is None or _darkroom.object_key(self._base) == _darkroom.object_key(clone._base))

    # ---- what it is

    def model_size(self):
        """Bytes of its weights."""
        if self._base is not None:
            return _darkroom.model_info(self._base)["size"]
        from comfy.model_management import module_size

        return self.size or module_size(self._model)

    def model_dtype(self):
        return self.model.get_dtype() if hasattr(self.model, "get_dtype") else next(self.model.parameters()).dtype

    def memory_required(self, input_shape):
        return self.model.memory_required(input_shape) if hasattr(self.model, "memory_required") else 0

    def loaded_size(self):
        return self.model_size()

    def current_loaded_device(self):
        return self.load_device

    def get_model_object(self, name):
        """By its path below the model: "model_sampling", "latent_format"; an object patch wins."""
        from comfy.utils import get_attr

        return self.object_patches[name] if name in self.object_patches else get_attr(self.model, name)

    # ---- patches

    def add_object_patch(self, name, obj):
        self.object_patches[name] = obj

    def set_model_sampler_cfg_function(self, sampler_cfg_function, disable_cfg1_optimization=False):
        self.model_options["sampler_cfg_function"] = model_changes.cfg_function(sampler_cfg_function)
        if disable_cfg1_optimization:
            self.model_options["disable_cfg1_optimization"] = True

    def set_model_sampler_post_cfg_function(self, post_cfg_function, disable_cfg1_optimization=False):
        set_model_options_post_cfg_function(self.model_options, post_cfg_function, disable_cfg1_optimization)

    def set_model_sampler_pre_cfg_function(self, pre_cfg_function, disable_cfg1_optimization=False):
        set_model_options_pre_cfg_function(self.model_options, pre_cfg_function, disable_cfg1_optimization)

    def set_model_sampler_calc_cond_batch_function(self, sampler_calc_cond_batch_function):
        self.model_options["sampler_calc_cond_batch_function"] = sampler_calc_cond_batch_function

    def set_model_unet_function_wrapper(self, unet_wrapper_function):
        self.model_options["model_function_wrapper"] = unet_wrapper_function

    def set_model_denoise_mask_function(self, denoise_mask_function):
        self.model_options["denoise_mask_function"] = denoise_mask_function

    def set_model_patch(self, patch, name):
        patches = self.model_options["transformer_options"].setdefault("patches", {})
        patches[name] = patches.get(name, []) + [patch]

    def set_model_patch_replace(self, patch, name, block_name, number, transformer_index=None):
        self.model_options = set_model_options_patch_replace(self.model_options, patch, name, block_name, number, transformer_index)

    def set_model_attn1_replace(self, patch, block_name, number, transformer_index=None):
        self.set_model_patch_replace(patch, "attn1", block_name, number, transformer_index)

    def set_model_attn2_replace(self, patch, block_name, number, transformer_index=None):
        self.set_model_patch_replace(patch, "attn2", block_name, number, transformer_index)

    def add_patches(self, patches, strength_patch=1.0, strength_model=1.0):
        """What comfy.lora.load_lora() gave; the keys that were used."""
        self.capsule, used = lora_patches.on_model(self._base, patches, strength_patch, strength_model)
        return used

    # ---- what packs keep with it

    def set_attachments(self, key, attachment):
        self.attachments[key] = attachment

    def get_attachment(self, key):
        return self.attachments.get(key)

    def remove_attachments(self, key):
        self.attachments.pop(key, None)

    def set_additional_models(self, key, models):
        self.additional_models[key] = models

    def get_additional_models_with_key(self, key):
        return self.additional_models.get(key, [])

    def remove_additional_models(self, key):
        self.additional_models.pop(key, None)

    def _no_functions(self, *_):
        """Wrappers and callbacks: there can be none, because adding one is refused."""
        return []

    get_wrappers = get_all_wrappers = get_callbacks = get_all_callbacks = get_injections = get_additional_models = get_nested_additional_models = _no_functions

    def __deepcopy__(self, memo):
        return self.clone()

    # ---- loading: the worker's, but for a module of a pack

    def load(self, device_to=None, *_, **__):
        if self._base is None:
            self._model.to(self.load_device if device_to is None else device_to)

    patch_model = partially_load = model_patches_to = load

    def unpatch_model(self, device_to=None, unpatch_weights=True):
        if self._base is None and device_to is not None:
            self._model.to(device_to)

    def detach(self, unpatch_all=True):
        self.unpatch_model(self.offload_device)
        return self.model

    def partially_unload(self, device_to, memory_to_free=0, force_patch_weights=False):
        """Bytes that became free."""
        self.unpatch_model(device_to)
        return 0

    def cleanup(self):
        """There is nothing to clean."""

    pre_run = cleanup


def _patch_setter(name):
    def setter(self, patch):
        self.set_model_patch(patch, name)

    return setter


for _name in ("attn1_patch", "attn2_patch", "attn1_output_patch", "attn2_output_patch", "input_block_patch", "input_block_patch_after_skip", "output_block_patch", "middle_patch",
              "emb_patch", "forward_timestep_embed_patch", "double_block_patch", "post_input_patch", "noise_refiner_patch"):
    setattr(ModelPatcher, f"set_model_{_name}", _patch_setter(_name))
