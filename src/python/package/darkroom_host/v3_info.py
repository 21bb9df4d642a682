"""A V3 class as the worker knows it."""
import inspect
import json

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker

from . import loop
from .node_info import names_of, takes_any, validator_spec, verdict_of
from .plain import plain
from .results import told_parts


class V3Info:
    """The same to the worker as node_info.NodeInfo."""

    def __init__(self, node_class, module):
        self.node_class = node_class
        self.schema = schema = node_class.define_schema()
        self.name = schema.node_id
        self.outputs = schema.outputs
        self.display_name = schema.display_name or schema.node_id
        self.is_async = inspect.iscoroutinefunction(node_class.execute)
        self.takes_any_input = takes_any(node_class.execute)
        self.hidden = [kind.name for kind in schema.hidden]
        self.module = module
        self.takes_any_constant = False
        self.wire = json.dumps(describe(node_class, schema, module))

    def wire_now(self):
        return json.dumps(describe(self.node_class, self.node_class.define_schema(), self.module))

    def make(self):
        return self.node_class

    def run(self, instance, arguments):
        """A clone of the class with its hidden values: nothing that a call leaves on it is there for the next."""
        values = {name: arguments.pop(name) for name in self.hidden if name in arguments}
        if self.schema.is_input_list:  # each argument is a list there, and hidden values are none
            values = {name: value[0] for name, value in values.items()}
        clone = type(self.node_class.__name__, (self.node_class,), {"hidden": io.HiddenHolder(values), "__module__": self.node_class.__module__})
        return clone.execute(**arguments)

    @property
    def dynamic_prompts(self):
        return ["dynprompt"] if "dynprompt" in self.hidden else []

    def _without_hidden(self, arguments):
        return {name: value for name, value in arguments.items() if name not in self.hidden}

    def wants(self, instance, arguments):
        return names_of(self.node_class.check_lazy_status(**self._without_hidden(arguments)))

    def is_changed(self, arguments):
        return loop.resolved(self.node_class.fingerprint_inputs(**self._without_hidden(arguments)))

    def validate(self, arguments, types):
        return verdict_of(self.node_class.validate_inputs, arguments, types)

    def told(self, result):
        """As results.told()."""
        if isinstance(result, io.NodeOutput):
            values, ui, graph = result.result, result.ui, result.expand
            if result.block_execution is not None and values is not None:
                values = ExecutionBlocker(result.block_execution)
        elif isinstance(result, dict):
            values, ui, graph = result.get("result"), result.get("ui"), result.get("expand")
        else:
            values, ui, graph = result, None, None
        if graph is not None and not self.schema.enable_expand:
            raise TypeError(f"{self.name} made a graph, but its schema does not say enable_expand")
        if hasattr(ui, "as_dict"):
            ui = ui.as_dict()
        return told_parts(values, ui, graph, self)


def describe(node_class, schema, module):
    wire = {
        "class": schema.node_id, "v3": True, "module": module, "category": schema.category, "display_name": schema.display_name or "", "description": schema.description or "",
        "inputs": [input_of(one) for one in schema.inputs] + [{"name": kind.name, "section": "hidden", "type": kind.value, "options": {}} for kind in schema.hidden],
        "outputs": [{"type": one.get_io_type(), "name": one.display_name or one.id or "", "is_list": bool(one.is_output_list), "tooltip": one.tooltip or "", "matchtype": one.matchtype}
                    for one in schema.outputs],
        "output_node": schema.is_output_node, "input_is_list": schema.is_input_list, "not_idempotent": schema.not_idempotent, "deprecated": schema.is_deprecated,
        "experimental": schema.is_experimental, "lazy_check": hasattr(node_class, "check_lazy_status"), "fingerprinted": hasattr(node_class, "fingerprint_inputs"),
    }
    if hasattr(node_class, "validate_inputs"):
        wire["validator"] = validator_spec(node_class.validate_inputs)
    return wire


def input_of(one):
    options = plain(one.options())
    wire = {"name": one.id, "section": "optional" if one.optional else "required", "type": one.get_io_type(), "options": options}
    if wire["type"] == "COMBO":
        wire["choices"] = options.get("options", [])
    return wire
