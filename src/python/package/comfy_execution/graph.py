"""The prompt as nodes see it, and names that packs import from here."""
from .graph_utils import ExecutionBlocker, is_link  # noqa: F401


class DynamicPrompt:
    """DYNPROMPT: the nodes of the running prompt, as they were submitted."""

    def __init__(self, original_prompt):
        self.original_prompt = original_prompt

    def get_node(self, node_id):
        try:
            return self.original_prompt[node_id]
        except KeyError:
            raise NodeNotFoundError(f"Node {node_id} not found") from None

    def has_node(self, node_id):
        return node_id in self.original_prompt

    def get_original_prompt(self):
        return self.original_prompt

    def all_node_ids(self):
        return set(self.original_prompt)

    def get_real_node_id(self, node_id):
        return node_id

    def get_parent_node_id(self, node_id):
        return None

    def get_display_node_id(self, node_id):
        return node_id


class NodeInputError(Exception):
    pass


class NodeNotFoundError(Exception):
    pass


class DependencyCycleError(Exception):
    pass
