"""Names that packs import from here; the worker executes."""
from comfy_execution.graph_utils import ExecutionBlocker  # noqa: F401
from darkroom_host.host_modules import rest

__getattr__ = rest("execution")
