"""Nodes of the newer form (V3)."""
from . import _io as io
from . import _ui as ui

__all__ = ["ComfyExtension", "io", "ui"]


class ComfyExtension:
    """What a pack's comfy_entrypoint() returns."""

    async def on_load(self):
        pass

    async def get_node_list(self):
        raise NotImplementedError("get_node_list")
