"""What a node returned, in the form that the worker takes."""
import json

from comfy_execution.graph_utils import ExecutionBlocker

from .plain import text


def told(result, info):
    """(values or None, ui as JSON or None, graph as JSON or None)."""
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
    return values, None if ui is None else text(ui), None if graph is None else graph_text(graph, info)


def graph_text(graph, info):
    def refuse(value):
        raise TypeError(f"{info.name} made a graph with an input of type {type(value).__name__}: a graph may hold texts, numbers, lists, dicts and links")

    return json.dumps(graph, default=refuse, allow_nan=False)
