"""The prompt as nodes see it, and names that packs import from here."""
from darkroom_host.host_modules import rest

from .graph_utils import ExecutionBlocker, is_link  # noqa: F401

__getattr__ = rest("comfy_execution.graph")


class DynamicPrompt:
    """DYNPROMPT: the nodes of the running prompt, those that were submitted and those that others had turned into when the call began."""

    def __init__(self, original_prompt, made=None):
        self.original_prompt = original_prompt
        self._made = made or {}  # id -> {"node", "parent", "display", "real"}

    def get_node(self, node_id):
        if node_id in self._made:
            return self._made[node_id]["node"]
        try:
            return self.original_prompt[node_id]
        except KeyError:
            raise NodeNotFoundError(f"Node {node_id} not found") from None

    def has_node(self, node_id):
        return node_id in self.original_prompt or node_id in self._made

    def get_original_prompt(self):
        return self.original_prompt

    def all_node_ids(self):
        return set(self.original_prompt) | set(self._made)

    def get_real_node_id(self, node_id):
        return self._of(node_id, "real", node_id)

    def get_parent_node_id(self, node_id):
        return self._of(node_id, "parent", None)

    def get_display_node_id(self, node_id):
        return self._of(node_id, "display", node_id)

    def _of(self, node_id, key, otherwise):
        return self._made[node_id][key] if node_id in self._made else otherwise


class NodeInputError(Exception):
    pass


class NodeNotFoundError(Exception):
    pass


class DependencyCycleError(Exception):
    pass
