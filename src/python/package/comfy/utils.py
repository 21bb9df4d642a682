"""Helpers of nodes: progress bars, sizes of pictures, files of tensors."""
import io

import _darkroom
from darkroom_host import current

PROGRESS_BAR_ENABLED = True
PROGRESS_BAR_HOOK = None


def set_progress_bar_enabled(enabled):
    global PROGRESS_BAR_ENABLED
    PROGRESS_BAR_ENABLED = enabled


def set_progress_bar_global_hook(function):
    global PROGRESS_BAR_HOOK
    PROGRESS_BAR_HOOK = function


class ProgressBar:
    """The progress of the node that makes it. Each step also looks whether the prompt was interrupted."""

    def __init__(self, total, node_id=None):
        self.total = total
        self.current = 0
        self.node_id = node_id
        self._call = current.number()

    def update_absolute(self, value, total=None, preview=None):
        """`preview`: (format, PIL image, longest side or None)."""
        if total is not None:
            self.total = total
        self.current = min(value, self.total)
        kind, picture = _encoded(preview) if preview else (None, None)
        _darkroom.progress(self._call or current.number(), int(self.current), int(self.total), kind, picture)

    def update(self, value):
        self.update_absolute(self.current + value)


def _encoded(preview):
    kind, image, limit = preview
    if limit and max(image.size) != limit:
        scale = limit / max(image.size)
        image = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    out = io.BytesIO()
    kind = "PNG" if kind == "PNG" else "JPEG"
    image.save(out, format=kind, **({"quality": 95} if kind == "JPEG" else {"compress_level": 1}))
    return kind, out.getvalue()


def common_upscale(samples, width, height, upscale_method, crop):
    """[B,C,H,W] to `height` x `width`; `crop` "center" cuts what exceeds the new ratio first."""
    import torch

    if crop == "center":
        old_height, old_width = samples.shape[-2:]
        kept_width = min(old_width, old_height * width / height)
        kept_height = min(old_height, old_width * height / width)
        x, y = round((old_width - kept_width) / 2), round((old_height - kept_height) / 2)
        samples = samples.narrow(-2, y, old_height - 2 * y).narrow(-1, x, old_width - 2 * x)
    if upscale_method in ("lanczos", "bislerp"):
        raise NotImplementedError(f"comfy.utils.common_upscale: {upscale_method} is not there yet")
    return torch.nn.functional.interpolate(samples, size=(height, width), mode=upscale_method)


def load_torch_file(ckpt, safe_load=False, device=None, return_metadata=False):
    """A state dict; pickles may hold tensors only."""
    import torch

    path = str(ckpt)
    metadata = None
    if path.lower().endswith((".safetensors", ".sft")):
        from safetensors import safe_open

        with safe_open(path, framework="pt", device="cpu" if device is None else str(device)) as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            metadata = file.metadata()
    else:
        state = torch.load(path, map_location=device or "cpu", weights_only=True)
        state = state.get("state_dict", state) if isinstance(state, dict) else state
    return (state, metadata) if return_metadata else state


def save_torch_file(sd, ckpt, metadata=None):
    from safetensors.torch import save_file

    save_file(sd, ckpt, metadata=metadata)
