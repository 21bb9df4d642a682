"""Imports packs of nodes."""
import importlib.util
import inspect
import logging
import os
import runpy
import sys
import time
import traceback

import _darkroom
import nodes
from comfy_api.latest import io
from server import PromptServer

from . import absent, host_modules, kinds, loop
from .node_info import NodeInfo
from .v3_info import V3Info


# What became of each pack, in the order of importing: {"name", "state": "ok" or "failed", "seconds", "classes": how many, "left_out": parts that are not there and why,
# "absent": names of the host that it uses and that are not there, "routes", "reason", "traceback"}.
report = []


def load_packs(paths):
    """Imports these packs; infos of all their classes."""
    infos = []
    host_modules.install()
    kinds.register_all()
    unprepared = {path: fault for path in paths if (fault := prepare(path))}
    for path in paths:
        name = os.path.basename(path)
        began = time.perf_counter()
        entry = {"name": name, "state": "ok", "seconds": 0.0, "classes": 0, "left_out": [*unprepared.get(path, ())], "absent": [], "routes": [], "reason": None, "traceback": None}
        report.append(entry)
        _darkroom.importing(name)
        absent_before, routes_before = len(absent.made), len(PromptServer.instance.declared)
        try:
            found = load_pack(path, entry["left_out"])
        except BaseException as error:  # noqa: BLE001 - SystemExit of a pack is no end of the worker
            told = traceback.format_exc()
            logging.error("the pack %s can't be imported and is left out:\n%s", name, told)
            entry |= {"state": "failed", "reason": "".join(traceback.format_exception_only(error)).strip().splitlines()[-1], "traceback": told}
        else:
            infos += found
            entry["classes"] = len(found)
            logging.info("pack %s: imported in %.2f s", name, time.perf_counter() - began)
        entry["seconds"] = round(time.perf_counter() - began, 3)
        entry["absent"] = sorted(set(absent.made[absent_before:]))
        entry["routes"] = PromptServer.instance.declared.texts()[routes_before:]
    return infos


def taken(class_name, module):
    """The worker has a class of this name: that of the pack is left out."""
    for entry in report:
        if module == "custom_nodes." + os.path.splitext(entry["name"])[0] or module == "custom_nodes." + entry["name"]:
            entry["left_out"].append(f"{class_name}: the name is that of a native node")
            entry["classes"] -= 1


def prepare(path):
    """Runs prestartup_script.py of a pack, which comes before any import; what went wrong, if anything did."""
    script = os.path.join(path, "prestartup_script.py")
    if not os.path.isfile(script):
        return None
    _darkroom.importing(os.path.basename(path))
    try:
        runpy.run_path(script)
    except BaseException as error:  # noqa: BLE001
        logging.error("prestartup_script.py of the pack %s failed:\n%s", os.path.basename(path), traceback.format_exc())
        return [f"prestartup_script.py: {type(error).__name__}: {error}"]
    return None


def load_pack(path, left_out):
    """Infos of its classes; those that can't be described are named in `left_out`."""
    is_folder = os.path.isdir(path)
    name = os.path.basename(path) if is_folder else os.path.splitext(os.path.basename(path))[0]
    # Packs import parts of themselves relatively, and some each other by this name.
    module_name = path.replace(".", "_x_")
    if is_folder:
        spec = importlib.util.spec_from_file_location(module_name, os.path.join(path, "__init__.py"), submodule_search_locations=[path])
    else:
        spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    nodes.LOADED_MODULE_DIRS[name] = os.path.abspath(path if is_folder else os.path.dirname(path))
    infos = []
    for class_name, node_class, display_name in classes_of(module):
        try:
            if isinstance(node_class, type) and issubclass(node_class, io.ComfyNode):
                info = V3Info(node_class, f"custom_nodes.{name}")
                class_name, display_name = info.name, info.display_name
            else:
                info = NodeInfo(class_name, node_class, display_name, f"custom_nodes.{name}")
        except Exception as error:  # noqa: BLE001 - one broken class does not take the others with it
            logging.error("the class %s of the pack %s is left out: %s: %s", class_name, name, type(error).__name__, error)
            left_out.append(f"{class_name}: {type(error).__name__}: {error}")
            continue
        node_class.RELATIVE_PYTHON_MODULE = f"custom_nodes.{name}"
        nodes.NODE_CLASS_MAPPINGS[class_name] = node_class
        nodes.NODE_DISPLAY_NAME_MAPPINGS[class_name] = display_name
        infos.append(info)
    if web := getattr(module, "WEB_DIRECTORY", None):
        nodes.EXTENSION_WEB_DIRS[name] = os.path.abspath(os.path.join(path if is_folder else os.path.dirname(path), web))
    return infos


def classes_of(module):
    """(name, class, display name): of NODE_CLASS_MAPPINGS, else of what comfy_entrypoint() gives."""
    mappings = getattr(module, "NODE_CLASS_MAPPINGS", None)
    if mappings is not None:
        shown = getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None) or {}
        return [(name, node_class, str(shown.get(name, name))) for name, node_class in mappings.items()]
    entry = getattr(module, "comfy_entrypoint", None)
    return [] if entry is None else [(node_class.__name__, node_class, "") for node_class in loop.wait_for(entered(entry), seconds=20)]


async def entered(entry):
    extension = entry()
    if inspect.isawaitable(extension):
        extension = await extension
    await extension.on_load()
    return await extension.get_node_list()
