"""Native nodes of the first form: a class with INPUT_TYPES, FUNCTION and a method of that name."""
import inspect
import random

import folder_paths

from . import native, saving


def build(name, wire, signature):
    base = native.build(signature["base"]) if signature.get("base") in native.wires() else object
    members = {**native.outputs(wire), "FUNCTION": signature["function"], "__module__": signature["module"], "__doc__": wire.get("description") or None,
               "RELATIVE_PYTHON_MODULE": signature["module"], "INPUT_TYPES": classmethod(lambda cls: native.input_types(name)), signature["function"]: _method(name, wire, signature)}
    if signature.get("attributes"):
        members["__init__"] = _initializer(signature["attributes"])
    members.update(_MORE.get(name, {}))
    return type(signature["class"], (base,), members)


def _method(name, wire, signature):
    parameters = native.parameters(signature)
    shape = inspect.Signature(parameters)
    has_outputs = bool(wire["outputs"])
    switches = {one["name"] for one in wire["inputs"] if "disabled" in one.get("choices", ())}

    def method(self, *args, **kwargs):
        arguments = native.bound(shape, args, kwargs)
        for one in switches & set(arguments):  # packs also give False for "disabled"
            arguments[one] = arguments[one] if isinstance(arguments[one], str) else "disabled"
        if name in saving.PICTURES and saving.is_changed(self, name):
            return saving.save_images(self, **arguments)
        values, ui = native.call(name, arguments)
        if ui is None:
            return values
        return {"ui": ui, "result": values} if has_outputs else {"ui": ui}

    method.__name__ = signature["function"]
    method.__qualname__ = f"{signature['class']}.{signature['function']}"
    method.__signature__ = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters])
    return method


def _initializer(attributes):
    def __init__(self):
        for name, value in attributes.items():
            setattr(self, name, _attribute(value))

    return __init__


def _attribute(value):
    if value == "<output>":
        return folder_paths.get_output_directory()
    if value == "<temp>":
        return folder_paths.get_temp_directory()
    if value == "_temp_<random>":
        return "_temp_" + "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(5))
    return value


def _file_hash(cls, image, **_):
    import hashlib

    with open(folder_paths.get_annotated_filepath(image), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(cls, image):
    return True if folder_paths.exists_annotated_filepath(image) else f"Invalid image file: {image}"


def _choices(node, name):
    return list(native.input_types(node)["required"][name][0])


_PICTURE_FILE = {"IS_CHANGED": classmethod(_file_hash), "VALIDATE_INPUTS": classmethod(_is_there)}

# What packs reach for beside the method.
_MORE = {
    "LoadImage": _PICTURE_FILE, "LoadImageMask": _PICTURE_FILE, "LoadImageOutput": _PICTURE_FILE,
    "VAELoader": {"vae_list": staticmethod(lambda *_: _choices("VAELoader", "vae_name"))},
    "ImageScale": {"upscale_methods": ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"], "crop_methods": ["disabled", "center"]},
    "ImageScaleBy": {"upscale_methods": ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]},
    "LatentUpscale": {"upscale_methods": ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"], "crop_methods": ["disabled", "center"]},
    "LatentUpscaleBy": {"upscale_methods": ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]},
}
