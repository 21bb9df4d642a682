"""Graphs that nodes turn into, and the blocker."""
import contextvars

from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_execution.graph_utils")

_prefix = contextvars.ContextVar("prefix", default=None)  # of the running call: [node id, call index, number of its next graph]


def is_link(value):
    """[node id, slot]?"""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], (int, float))


class ExecutionBlocker:
    """What gets it is not executed. With a message the first node that gets it shows it as an error."""

    def __init__(self, message):
        self.message = message


class Node:
    def __init__(self, id, class_type, inputs):
        self.id = id
        self.class_type = class_type
        self.inputs = inputs
        self.override_display_id = None

    def out(self, index):
        return [self.id, index]

    def set_input(self, key, value):
        if value is None:
            self.inputs.pop(key, None)
        else:
            self.inputs[key] = value

    def get_input(self, key):
        return self.inputs.get(key)

    def set_override_display_id(self, override_display_id):
        self.override_display_id = override_display_id

    def serialize(self):
        said = {"class_type": self.class_type, "inputs": self.inputs}
        if self.override_display_id is not None:
            said["override_display_id"] = self.override_display_id
        return said


class GraphBuilder:
    """Collects nodes under ids that no other graph has; finalize() gives what a node returns as "expand"."""

    def __init__(self, prefix=None):
        self.prefix = GraphBuilder.alloc_prefix() if prefix is None else prefix
        self.nodes = {}
        self.id_gen = 1

    @classmethod
    def set_default_prefix(cls, prefix_root, call_index, graph_index=0):
        _prefix.set([prefix_root, call_index, graph_index])

    @classmethod
    def alloc_prefix(cls, root=None, call_index=None, graph_index=None):
        default = _prefix.get() or ["", 0, 0]
        given = [own if own is not None else other for own, other in zip((root, call_index, graph_index), default)]
        default[2] += 1
        return "{}.{}.{}.".format(*given)

    def node(self, class_type, id=None, **kwargs):
        if id is None:
            id = str(self.id_gen)
            self.id_gen += 1
        id = self.prefix + id
        if id not in self.nodes:
            self.nodes[id] = Node(id, class_type, kwargs)
        return self.nodes[id]

    def lookup_node(self, id):
        return self.nodes.get(self.prefix + id)

    def finalize(self):
        return {id: node.serialize() for id, node in self.nodes.items()}

    def replace_node_output(self, node_id, index, new_value):
        wanted = [self.prefix + node_id, index]
        for node in self.nodes.values():
            for key, value in list(node.inputs.items()):
                if is_link(value) and value == wanted:
                    node.set_input(key, new_value)

    def remove_node(self, id):
        del self.nodes[self.prefix + id]
