"""Names that packs import from here."""
from comfy_execution.graph_utils import ExecutionBlocker  # noqa: F401
