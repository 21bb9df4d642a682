"""The modules of ComfyUI that packs import. Those that Darkroom has are files of this package; all the others, and the names that its own ones lack, are made here from
host_names.json: a native node class, a constant with its value, or something absent."""
import functools
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys

from .absent import absent

_ROOTS = {"comfy", "comfy_extras", "comfy_execution", "comfy_api", "comfy_api_nodes", "comfy_config", "app", "api_server", "utils", "middleware", "nodes", "execution",
          "latent_preview", "cuda_malloc", "comfyui_version", "protocol", "hook_breaker_ac10a0", "new_updater"}


@functools.cache
def facts(file):
    """A recorded JSON file beside this one."""
    with open(os.path.join(os.path.dirname(__file__), file), encoding="utf-8") as lines:
        return json.load(lines)


@functools.cache
def names():
    """{module: {name: (kind, value)}}; kind "function", "class", "module" or "constant"; value: of a constant, else where the name comes from or None."""
    told = {}
    for module, kinds in facts("host_names.json").items():
        told[module] = known = {name: ("constant", value) for name, value in kinds.get("constants", {}).items()}
        for plural, kind in (("functions", "function"), ("classes", "class"), ("modules", "module")):
            for entry in kinds.get(plural, ()):
                name, _, home = entry.partition("=")
                known[name] = (kind, home or None)
    return told


class Members:
    """The public names of a class of ComfyUI, looked up when asked."""

    def __init__(self, path):
        self._module, _, self._name = path.rpartition(".")

    def __contains__(self, name):
        return name in facts("host_names.json").get(self._module, {}).get("members", {}).get(self._name, ())


def rest(module):
    """A module's __getattr__ for what it does not define itself. Names that ComfyUI has not either are errors, as there."""
    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        found = _found(module, name)
        setattr(sys.modules[module], name, found)
        return found

    return __getattr__


def _found(module, name):
    from . import native

    if f"{module}.{name}" in names():
        return importlib.import_module(f"{module}.{name}")
    if (node_class := native.exported(module, name)) is not None:
        return node_class
    kind, value = names().get(module, {}).get(name, (None, None))
    if kind is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if name == "args" and kind == "constant":
        return importlib.import_module("comfy.cli_args").args
    if kind == "constant" and value is not None:
        return value
    if value or kind == "module":
        try:
            return _elsewhere(kind, value or f"{module}.{name}")
        except ImportError:  # a library that is not installed
            pass
    return absent(f"{module}.{name}")


def _elsewhere(kind, path):
    if kind == "module":
        return importlib.import_module(path)
    home, _, name = path.rpartition(".")
    module = importlib.import_module(home)
    try:
        return getattr(module, name)
    except AttributeError:  # another version of the library
        raise ImportError(path) from None


class HostModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes last among the finders: a file of the same name, of a pack or a library, wins."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] not in _ROOTS or fullname not in names():
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=any(name.startswith(fullname + ".") for name in names()))

    def exec_module(self, module):
        module.__getattr__ = rest(module.__name__)


def install():
    if not any(isinstance(finder, HostModules) for finder in sys.meta_path):
        sys.meta_path.append(HostModules())
