"""Nodes of the newer form (V3)."""
from darkroom_host.host_modules import rest

from . import _io as io
from . import _ui as ui
from ._media import Input, InputImpl, Types
from ._progress import ComfyAPI, ComfyAPISync

IO, UI = io, ui

__all__ = ["IO", "UI", "ComfyAPI", "ComfyAPISync", "ComfyExtension", "Input", "InputImpl", "Types", "io", "ui"]
__getattr__ = rest("comfy_api.latest")


class ComfyExtension:
    """What a pack's comfy_entrypoint() returns."""

    async def on_load(self):
        pass

    async def get_node_list(self):
        raise NotImplementedError("get_node_list")
