"""Progress of the node that runs, as an object."""
import _darkroom
from darkroom_host import current
from darkroom_host.host_modules import rest
from darkroom_host.pictures import encoded

__getattr__ = rest("comfy_execution.progress")


class ProgressRegistry:
    """Of the prompt that runs. Only the node that runs can say how far it is."""

    def update_progress(self, node_id, value, max_value, image=None):
        """`image`: (format, PIL image, longest side or None)."""
        kind, picture = encoded(image) if image else (None, None)
        _darkroom.progress(current.number(), int(value), int(max_value), kind, picture)

    def start_progress(self, node_id):
        """The worker tells it."""

    finish_progress = start_progress


_registry = ProgressRegistry()


def get_progress_state():
    return _registry
