"""What a node returned, in the form that the worker takes."""
import json

from comfy_execution.graph_utils import ExecutionBlocker

from .objects import outgoing
from .plain import text


def told(result, info):
    """(values or None, ui as JSON or None, graph as JSON or None, what the graph holds beside JSON)."""
    if result is None:
        raise TypeError("object of type 'NoneType' has no len()")
    ui = graph = None
    if isinstance(result, dict):
        ui, graph, result = result.get("ui"), result.get("expand"), result.get("result")
    return told_parts(result, ui, graph, info)


def told_parts(values, ui, graph, info):
    if isinstance(values, ExecutionBlocker):
        values = (values,) * len(info.outputs)
    if values is not None and not isinstance(values, (tuple, list)):
        raise TypeError(f"{info.name} returned {type(values).__name__}, a node has to return a tuple")
    held = []
    if values is not None:
        values = tuple(outgoing(value) for value in values)
    return values, None if ui is None else text(ui), None if graph is None else graph_text(graph, held), held


def graph_text(graph, held):
    """Inputs that JSON has no form for (tensors, models, lists of them) go into `held`, and their place says which one it is."""
    return json.dumps({node_id: {**node, "inputs": {name: _input(value, held) for name, value in node.get("inputs", {}).items()}} for node_id, node in graph.items()})


def _input(value, held):
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        held.append(value)
        return {"__held__": len(held) - 1}
    return value
