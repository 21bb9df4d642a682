"""What the Python modules of the reference (ComfyUI 0.8.0) offer, seen from outside: the signatures of its node classes and the public names of its modules.

    cd COMFYUI && python record_signatures.py DIRECTORY   # writes native_signatures.json and host_names.json there

Everything is asked of the running program (inspect.signature, dir(), attributes); no source text is looked at.
native_signatures.json: {node class: {"module", "class", "function", "parameters": [[name] or [name, default], ...], "v3", "base"?, "aliases"?, "attributes"?}}
host_names.json: {module: {"functions", "classes", "modules", "constants", "members"}}, names only ("name=home.name" for what comes from
another module, libraries included), and plain constants with their values.
"""
import asyncio
import enum
import importlib
import inspect
import json
import os
import sys
import types

PACKAGES = ("comfy", "comfy_extras", "comfy_execution", "comfy_api", "comfy_api_nodes", "comfy_config", "app", "api_server", "utils", "middleware")
# Classes whose objects reach packs: what they have beside what Darkroom defines.
OPEN = ("comfy.model_patcher.ModelPatcher", "comfy.sd.CLIP", "comfy.sd.VAE", "comfy.sd.StyleModel", "comfy.clip_vision.ClipVisionModel", "comfy.controlnet.ControlBase",
        "comfy.samplers.CFGGuider", "comfy.samplers.Sampler", "execution.PromptQueue")
MODULES = ("nodes", "execution", "server", "folder_paths", "node_helpers", "latent_preview", "cuda_malloc", "comfyui_version", "protocol", "hook_breaker_ac10a0", "new_updater")


def plain(value):
    return value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, enum.Enum)


def parameters_of(function):
    told = []
    for one in inspect.signature(function).parameters.values():
        if one.name in ("self", "cls", "s"):
            continue
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            told.append([("*" if one.kind is one.VAR_POSITIONAL else "**") + one.name])
        elif one.default is one.empty:
            told.append([one.name])
        else:
            told.append([one.name, one.default if plain(one.default) else getattr(one.default, "value", None)])
    return told


def aliases_of(node_class):
    """Other names of a V3 class's execute()."""
    execute = inspect.unwrap(node_class.execute.__func__)
    return [name for name, value in vars(node_class).items() if name != "execute" and isinstance(value, (classmethod, staticmethod)) and inspect.unwrap(value.__func__) is execute]


def attributes_of(node_class, folders):
    """Plain attributes of a V1 instance; the server's folders as "<output>" and "<temp>"."""
    attributes = {}
    for name, value in vars(node_class()).items():
        if isinstance(value, str) and value in folders:
            value = folders[value]
        elif name == "prefix_append" and value:
            value = "_temp_<random>"
        if plain(value):
            attributes[name] = value
    return attributes


def signature(node_class, comfy_node, classes, folders):
    """`classes`: {class: node class}, all of them."""
    v3 = issubclass(node_class, comfy_node)
    function = "execute" if v3 else node_class.FUNCTION
    module = os.path.relpath(node_class.__module__, os.getcwd()).replace(os.sep, ".") if os.sep in node_class.__module__ else node_class.__module__
    told = {"module": module, "class": node_class.__name__, "function": function, "parameters": parameters_of(getattr(node_class, function)), "v3": v3}
    if v3 and (aliases := aliases_of(node_class)):
        told["aliases"] = aliases
    if not v3 and (attributes := attributes_of(node_class, folders)):
        told["attributes"] = attributes
    if not v3 and node_class.__base__ in classes:
        told["base"] = classes[node_class.__base__]
    return told


def home_of(value):
    """Where a class or a function comes from: "module.name", when that is so."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str) and getattr(sys.modules.get(module), name, None) is value:
        return f"{module}.{name}"
    return None


def names_of(module):
    told = {"functions": [], "classes": [], "modules": [], "constants": {}}
    for name, value in sorted(vars(module).items()):
        if name.startswith("__"):
            continue
        if isinstance(value, types.ModuleType):
            told["modules"].append(name if value.__name__ == f"{module.__name__}.{name}" else f"{name}={value.__name__}")
        elif callable(value):
            home = home_of(value)
            is_own = home is None or home == f"{module.__name__}.{name}"
            told["classes" if isinstance(value, type) else "functions"].append(name if is_own else f"{name}={home}")
        elif plain(value) and (not isinstance(value, str) or len(value) < 60 and not value.startswith("/")):
            told["constants"][name] = value if value == value and value not in (float("inf"), float("-inf")) else None
        else:
            told["constants"][name] = None
    told["members"] = {}
    for path in OPEN:
        home, _, own = path.rpartition(".")
        if home == module.__name__:
            told["members"][own] = [name for name in dir(getattr(module, own)) if not name.startswith("_")]
    return {kind: names for kind, names in told.items() if names}


def modules_of(package):
    """The names of its modules, by its files: many of its folders are no regular packages."""
    for folder, _, files in os.walk(package):
        path = folder.replace(os.sep, ".")
        if "__pycache__" not in path:
            yield path
            yield from (f"{path}.{file[:-3]}" for file in files if file.endswith(".py") and file != "__init__.py")


def host_names():
    found = {}
    for name in [*(name for package in PACKAGES for name in sorted(modules_of(package))), *MODULES]:
        try:
            found[name] = {} if name.startswith("comfy_api_nodes.") else names_of(importlib.import_module(name))
        except BaseException as error:  # noqa: BLE001 - a library that is not installed, a module that exits
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            found[name] = {}
    return found


def write(path, told):
    """One line an entry."""
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(told.items())) + "\n}\n")


def main(directory):
    sys.argv = ["main.py", "--cpu"]
    sys.path.insert(0, os.getcwd())
    import comfy.options
    import utils  # noqa: F401 - before `nodes` puts comfy/, which has one too, in front

    comfy.options.enable_args_parsing()
    import folder_paths
    import nodes
    from comfy_api.latest import io

    asyncio.run(nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False))
    folders = {folder_paths.get_output_directory(): "<output>", folder_paths.get_temp_directory(): "<temp>"}
    classes = {node_class: name for name, node_class in nodes.NODE_CLASS_MAPPINGS.items()}
    write(os.path.join(directory, "native_signatures.json"),
          {name: signature(node_class, io.ComfyNode, classes, folders) for name, node_class in nodes.NODE_CLASS_MAPPINGS.items()})
    write(os.path.join(directory, "host_names.json"), host_names())


if __name__ == "__main__":
    main(sys.argv[1])
