"""A class of a pack as the worker knows it."""
import inspect
import json

from . import loop, results
from .plain import plain


_UNLIKELY = "\0a name that no node has"


class NodeInfo:
    """`wire`: the schema as NodeSchema::from_wire reads it, as JSON."""

    def __init__(self, name, node_class, display_name, module):
        self.name = name
        self.node_class = node_class
        self.function = getattr(node_class, "FUNCTION", "FUNCTION")  # one that has none is shown, and fails when it runs
        self.outputs = tuple(node_class.RETURN_TYPES)
        method = getattr(node_class, self.function, None)
        self.is_async = inspect.iscoroutinefunction(method)
        self.takes_any_input = method is not None and takes_any(method)
        self.described_as = (display_name, module)
        wire = describe(name, node_class, display_name, module)
        self.takes_any_constant = takes_every_name(node_class)
        self.dynamic_prompts = [one["name"] for one in wire["inputs"] if one["section"] == "hidden" and one["type"] == "DYNPROMPT"]
        self.wire = json.dumps(wire)

    def wire_now(self):
        return json.dumps(describe(self.name, self.node_class, *self.described_as))

    def make(self):
        return self.node_class()

    def run(self, instance, arguments):
        return getattr(instance, self.function)(**arguments)

    def told(self, result):
        return results.told(result, self)

    def wants(self, instance, arguments):
        for name in self.dynamic_prompts:
            arguments[name] = None  # it is asked between calls, and belongs to none
        return names_of(instance.check_lazy_status(**arguments))

    def is_changed(self, arguments):
        return loop.resolved(self.node_class.IS_CHANGED(**arguments))

    def validate(self, arguments, types):
        return verdict_of(self.node_class.VALIDATE_INPUTS, arguments, types)


def describe(name, node_class, display_name, module):
    wire = {
        "class": name, "v3": False, "module": module, "category": str(getattr(node_class, "CATEGORY", "sd")), "display_name": display_name,
        "description": str(getattr(node_class, "DESCRIPTION", "") or ""), "inputs": inputs_of(node_class), "outputs": outputs_of(node_class),
        "output_node": bool(getattr(node_class, "OUTPUT_NODE", False)), "input_is_list": bool(getattr(node_class, "INPUT_IS_LIST", False)),
        "not_idempotent": bool(getattr(node_class, "NOT_IDEMPOTENT", False)), "deprecated": bool(getattr(node_class, "DEPRECATED", False)),
        "experimental": bool(getattr(node_class, "EXPERIMENTAL", False)), "lazy_check": hasattr(node_class, "check_lazy_status"),
        "fingerprinted": hasattr(node_class, "IS_CHANGED"),
    }
    if hasattr(node_class, "VALIDATE_INPUTS"):
        wire["validator"] = validator_spec(node_class.VALIDATE_INPUTS)
    return wire


def inputs_of(node_class):
    inputs = []
    for section, entries in node_class.INPUT_TYPES().items():
        for name, spec in entries.items():
            inputs.append(input_of(section, str(name), spec))
    return inputs


def input_of(section, name, spec):
    parts = tuple(spec) if isinstance(spec, (tuple, list)) else (spec,)
    kind = parts[0] if parts else "*"
    if section == "hidden":
        return {"name": name, "section": section, "type": str(kind), "options": {}}
    options = plain(parts[1]) if len(parts) > 1 and isinstance(parts[1], dict) else {}
    one = {"name": name, "section": section, "options": options}
    if len(parts) < 2:
        one["bare"] = True
    if isinstance(kind, (list, tuple)):
        return {**one, "type": "COMBO", "old_choices": True, "choices": plain(kind)}
    if kind == "COMBO" and isinstance(options.get("options"), list):
        one["choices"] = options["options"]
    return {**one, "type": str(kind)}


def outputs_of(node_class):
    names = getattr(node_class, "RETURN_NAMES", ())
    lists = getattr(node_class, "OUTPUT_IS_LIST", ())
    tooltips = getattr(node_class, "OUTPUT_TOOLTIPS", ())
    outputs = []
    for i, kind in enumerate(node_class.RETURN_TYPES):
        one = {"name": str(names[i]) if i < len(names) else "", "is_list": bool(lists[i]) if i < len(lists) else False,
               "tooltip": str(tooltips[i]) if i < len(tooltips) and tooltips[i] else ""}
        if isinstance(kind, (list, tuple)):
            one.update(type="COMBO", choices=plain(kind))
        else:
            one["type"] = str(kind)
        outputs.append(one)
    return outputs


def verdict_of(function, arguments, types):
    """True, False or a text: what is not exactly True is a fault."""
    if validator_spec(function)["takes_types"]:
        arguments["input_types"] = types
    verdict = loop.resolved(function(**arguments))
    return verdict if isinstance(verdict, (bool, str)) else str(verdict)


def takes_every_name(node_class):
    """Do its inputs say of any name that it is among them? Some say so only to who looks up a single one, and tell that by the names of the
    functions that called them."""
    def get_input_info(frames=2):
        return node_class.INPUT_TYPES() if frames == 1 else get_input_info(frames - 1)

    return any(_UNLIKELY in section for section in get_input_info().values() if hasattr(section, "__contains__"))


def names_of(wanted):
    """Of the inputs that check_lazy_status() wants."""
    return [name for name in loop.resolved(wanted) or [] if isinstance(name, str)]


def takes_any(function):
    """**kwargs?"""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def validator_spec(function):
    """What a validator wants, as ValidatorSpec has it."""
    parameters = [p for p in inspect.signature(function).parameters.values() if inspect.ismethod(function) or p.name not in ("self", "cls", "s")]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "input_types"]
    return {"names": [p.name for p in named], "defaults": [p.name for p in named if p.default is not p.empty],
            "takes_all": any(p.kind is p.VAR_KEYWORD for p in parameters), "takes_types": any(p.name == "input_types" for p in parameters)}
