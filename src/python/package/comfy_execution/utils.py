"""Which node runs."""
import typing

import _darkroom
from darkroom_host import current
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_execution.utils")


class ExecutionContext(typing.NamedTuple):
    prompt_id: str
    node_id: str
    list_index: typing.Optional[int]


def get_executing_context():
    """None outside of a call. The id of the prompt is not known to packs here: an empty text."""
    node_id, _, index, _ = _darkroom.whose(current.number())
    return ExecutionContext("", node_id, index) if node_id else None
