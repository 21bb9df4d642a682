"""Types for the annotations of packs."""
from .node_typing import IO, CheckLazyMixin, ComfyNodeABC, FileLocator, InputTypeDict, InputTypeOptions  # noqa: F401
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.comfy_types")
