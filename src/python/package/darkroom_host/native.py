"""The native node classes as Python classes: built when somebody asks for them, from the worker's schemas and the recorded signatures."""
import functools
import inspect
import json

import _darkroom

from . import current
from .host_modules import facts


def signatures():
    return facts("native_signatures.json")


@functools.cache
def wires():
    """{node class: its schema}, in the worker's order."""
    return {wire["class"]: wire for wire in json.loads(_darkroom.native_classes())}


@functools.cache
def _exports():
    """{module: {Python class: node class}}"""
    told = {}
    for name, signature in signatures().items():
        told.setdefault(signature["module"], {})[signature["class"]] = name
    return told


def exported(module, name):
    """The class that a module of ComfyUI has under this name, when it is native; else None."""
    node_class = _exports().get(module, {}).get(name) if module == "nodes" or module.startswith("comfy_extras.") else None
    return build(node_class) if node_class in wires() else None


def call(name, arguments):
    """(values, ui or None) of a native node; errors are those of the node."""
    from .objects import outgoing

    values, ui = _darkroom.call_native(current.number(), name, {key: outgoing(value) for key, value in arguments.items()})
    return tuple(values), None if ui is None else json.loads(ui)


def values(name, **arguments):
    """The outputs alone; arguments that are None are left out."""
    return call(name, {key: value for key, value in arguments.items() if value is not None})[0]


@functools.cache
def build(name):
    from . import native_v1, native_v3

    wire = wires()[name]
    signature = signatures().get(name) or recorded_nowhere(wire)
    return (native_v3 if signature["v3"] else native_v1).build(name, wire, signature)


def recorded_nowhere(wire):
    """A signature of a class that the reference does not have."""
    own = [[one["name"]] for one in wire["inputs"] if one["section"] != "hidden" and one["name"].isidentifier()]
    return {"module": wire.get("module", "nodes"), "class": wire["class"], "function": "execute", "parameters": [*own, ["**kwargs"]], "v3": bool(wire.get("v3", True))}


def parameters(signature):
    """As inspect has them, without self."""
    kinds = {"*": inspect.Parameter.VAR_POSITIONAL, "**": inspect.Parameter.VAR_KEYWORD}
    told = []
    for one in signature["parameters"]:
        stars = one[0][:len(one[0]) - len(one[0].lstrip("*"))]
        default = one[1] if len(one) > 1 else inspect.Parameter.empty
        told.append(inspect.Parameter(one[0].lstrip("*"), kinds.get(stars, inspect.Parameter.POSITIONAL_OR_KEYWORD), default=default))
    return told


def bound(signature, args, kwargs):
    """The arguments by their names, defaults filled in, those that are None left out."""
    given = signature.bind(*args, **kwargs)
    given.apply_defaults()
    arguments = dict(given.arguments)
    for one in signature.parameters.values():
        if one.kind is one.VAR_KEYWORD:
            arguments.update(arguments.pop(one.name, {}))
        elif one.kind is one.VAR_POSITIONAL:
            arguments.pop(one.name, None)
    return {key: value for key, value in arguments.items() if value is not None}


def input_types(name):
    """What INPUT_TYPES() gives: with today's lists of files."""
    told = json.loads(_darkroom.native_info(name))["input"]
    return {section: {key: tuple(spec) if isinstance(spec, list) else spec for key, spec in entries.items()} for section, entries in told.items()}


def outputs(wire):
    """The attributes of a class that tell of its outputs."""
    given = wire["outputs"]
    told = {"RETURN_TYPES": tuple(one.get("choices") or one["type"] for one in given), "RETURN_NAMES": tuple(one.get("name") or one["type"] for one in given),
            "OUTPUT_NODE": bool(wire.get("output_node")), "CATEGORY": wire.get("category", ""), "DESCRIPTION": wire.get("description", "")}
    if any(one.get("is_list") for one in given):
        told["OUTPUT_IS_LIST"] = tuple(bool(one.get("is_list")) for one in given)
    for key, attribute in (("input_is_list", "INPUT_IS_LIST"), ("deprecated", "DEPRECATED"), ("experimental", "EXPERIMENTAL")):
        if wire.get(key):
            told[attribute] = True
    return told
