"""Devices and interruption."""
import _darkroom
from darkroom_host import current


class InterruptProcessingException(Exception):
    """The prompt was interrupted. Nodes let it pass."""


def throw_exception_if_processing_interrupted():
    _darkroom.check(current.number())


def processing_interrupted():
    try:
        _darkroom.check(current.number())
    except InterruptProcessingException:
        return True
    return False


def get_torch_device():
    import torch

    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def intermediate_device():
    import torch

    return torch.device("cpu")


unet_offload_device = vae_offload_device = text_encoder_offload_device = intermediate_device
text_encoder_device = vae_device = get_torch_device


def is_device_cpu(device):
    return getattr(device, "type", device) == "cpu"


def get_total_memory(dev=None, torch_total_too=False):
    return _memory("MemTotal", torch_total_too)


def get_free_memory(dev=None, torch_free_too=False):
    return _memory("MemAvailable", torch_free_too)


def _memory(key, twice):
    with open("/proc/meminfo") as file:
        lines = dict(line.split(":", 1) for line in file)
    amount = int(lines[key].split()[0]) * 1024
    return (amount, amount) if twice else amount


def soft_empty_cache(force=False):
    """The worker keeps its memory by itself."""


def should_use_fp16(device=None, model_params=0, prioritize_performance=True, manual_cast=False):
    return not is_device_cpu(device if device is not None else get_torch_device())


def should_use_bf16(device=None, model_params=0, prioritize_performance=True, manual_cast=False):
    return False
