"""Progress of the node that runs."""
import _darkroom
from darkroom_host import current
from darkroom_host.pictures import encoded


def _set_progress(value, max_value, preview_image, ignore_size_limit):
    kind = picture = None
    if preview_image is not None:
        if hasattr(preview_image, "shape"):  # [H,W,C], or [B,H,W,C]: its first
            from darkroom_host.saving import picture_of

            preview_image = picture_of(preview_image[0] if preview_image.ndim == 4 else preview_image)
        kind, picture = encoded(("JPEG" if preview_image.mode == "RGB" else "PNG", preview_image, None if ignore_size_limit else 512))
    _darkroom.progress(current.number(), int(value), int(max_value), kind, picture)


class _Execution:
    async def set_progress(self, value, max_value, node_id=None, preview_image=None, ignore_size_limit=False):
        """`preview_image`: a PIL image or a tensor, at most 512 pixels on a side unless `ignore_size_limit`."""
        _set_progress(value, max_value, preview_image, ignore_size_limit)


class _ExecutionSync:
    def set_progress(self, value, max_value, node_id=None, preview_image=None, ignore_size_limit=False):
        """As _Execution's."""
        _set_progress(value, max_value, preview_image, ignore_size_limit)


class ComfyAPI:
    """For coroutines."""

    VERSION, STABLE = "latest", False
    Execution = _Execution

    def __init__(self):
        self.execution = _Execution()


class ComfyAPISync:
    """The same for plain functions."""

    VERSION, STABLE = "latest", False

    def __init__(self):
        self.execution = _ExecutionSync()
