"""Devices, types of numbers, memory and interruption. The worker loads and drops models by itself: what packs ask for in that matter is done already."""
import enum

import _darkroom
from darkroom_host import current
from darkroom_host.host_modules import rest

_rest = rest("comfy.model_management")


def __getattr__(name):
    if name in ("total_vram", "total_ram"):
        return get_total_memory(get_torch_device() if name == "total_vram" else None) / (1024 * 1024)
    if name == "cpu_state":
        return CPUState.CPU if cpu_mode() else CPUState.GPU
    if name == "FLOAT8_TYPES":
        return get_supported_float8_types()
    if name == "OOM_EXCEPTION":
        import torch

        return torch.cuda.OutOfMemoryError
    return _rest(name)


class InterruptProcessingException(Exception):
    """The prompt was interrupted. Nodes let it pass."""


class VRAMState(enum.Enum):
    DISABLED = 0
    NO_VRAM = 1
    LOW_VRAM = 2
    NORMAL_VRAM = 3
    HIGH_VRAM = 4
    SHARED = 5


class CPUState(enum.Enum):
    GPU = 0
    CPU = 1
    MPS = 2


vram_state = set_vram_to = VRAMState.NORMAL_VRAM
current_loaded_models = []
XFORMERS_IS_AVAILABLE = XFORMERS_ENABLED_VAE = False
DISABLE_SMART_MEMORY = lowvram_available = False


# ---- interruption

def throw_exception_if_processing_interrupted():
    _darkroom.check(current.number())


def processing_interrupted():
    try:
        _darkroom.check(current.number())
    except InterruptProcessingException:
        return True
    return False


def interrupt_current_processing(value=True):
    if value:
        _darkroom.interrupt(current.number())


# ---- devices

def get_torch_device():
    import torch

    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def intermediate_device():
    import torch

    return torch.device("cpu")


unet_offload_device = vae_offload_device = text_encoder_offload_device = intermediate_device
text_encoder_device = vae_device = get_torch_device


def text_encoder_initial_device(load_device, offload_device, model_size=0):
    return offload_device


def unet_inital_load_device(parameters, dtype):
    return intermediate_device()


def get_autocast_device(dev):
    return getattr(dev, "type", "cuda")


def get_torch_device_name(device):
    import torch

    return f"{device} {torch.cuda.get_device_name(device)}" if is_device_cuda(device) else str(getattr(device, "type", device))


def is_device_type(device, type):
    return getattr(device, "type", device) == type


def is_device_cpu(device):
    return is_device_type(device, "cpu")


def is_device_cuda(device):
    return is_device_type(device, "cuda")


def is_device_mps(device):
    return is_device_type(device, "mps")


def is_device_xpu(device):
    return is_device_type(device, "xpu")


def cpu_mode():
    return is_device_cpu(get_torch_device())


def is_nvidia():
    return not cpu_mode()


def _never(*_, **__):
    """Of what Darkroom has no form of."""
    return False


mps_mode = is_intel_xpu = is_amd = is_ascend_npu = is_mlu = is_ixuca = is_directml_enabled = _never
xformers_enabled = xformers_enabled_vae = sage_attention_enabled = flash_attention_enabled = force_channels_last = extended_fp16_support = amd_min_version = _never
supports_fp8_compute = supports_nvfp4_compute = device_supports_non_blocking = pin_memory = unpin_memory = _never


def pytorch_attention_enabled():
    return True


pytorch_attention_enabled_vae = pytorch_attention_flash_attention = pytorch_attention_enabled


def current_stream(device):
    return None


get_offload_stream = current_stream


def sync_stream(device, stream):
    """There are no streams to wait for."""


# ---- memory, in bytes

def get_total_memory(dev=None, torch_total_too=False):
    return _memory(dev, 1, "MemTotal", torch_total_too)


def get_free_memory(dev=None, torch_free_too=False):
    return _memory(dev, 0, "MemAvailable", torch_free_too)


def _memory(device, part, key, twice):
    if device is None and not cpu_mode() or is_device_cuda(device):
        import torch

        amount = torch.cuda.mem_get_info(device)[part]
    else:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
        amount = int(lines[key].split()[0]) * 1024
    return (amount, amount) if twice else amount


def maximum_vram_for_weights(device=None):
    return get_total_memory(device) * 0.88 - minimum_inference_memory()


def minimum_inference_memory():
    return extra_reserved_memory() + 1024**3 * 0.8


def extra_reserved_memory():
    return 400 * 1024**2


def soft_empty_cache(force=False):
    """The worker keeps its memory by itself."""


def load_models_gpu(models, memory_required=0, force_patch_weights=False, minimum_memory_required=None, force_full_load=False):
    """The worker loads what it is about to use; a module of a pack's own is moved to its device."""
    for model in models:
        model.load()


def load_model_gpu(model):
    load_models_gpu([model])


def loaded_models(only_currently_used=False):
    return []


def free_memory(memory_required, device, keep_loaded=[]):
    """Models that were let go: none by packs."""
    return []


def unload_all_models():
    """The worker drops models when it needs the room."""


cleanup_models = cleanup_models_gc = discard_cuda_async_error = soft_empty_cache


# ---- types of numbers

def should_use_fp16(device=None, model_params=0, prioritize_performance=True, manual_cast=False):
    return not is_device_cpu(device if device is not None else get_torch_device())


def should_use_bf16(device=None, model_params=0, prioritize_performance=True, manual_cast=False):
    return False


def dtype_size(dtype):
    """Bytes of a number."""
    return 4 if dtype is None else dtype.itemsize


def module_size(module):
    """Bytes of a torch module's weights."""
    return sum(weight.nelement() * weight.element_size() for weight in module.state_dict().values())


def unet_dtype(device=None, model_params=0, supported_dtypes=None, weight_dtype=None):
    import torch

    wanted = torch.float16 if should_use_fp16(device) else torch.float32
    return wanted if supported_dtypes is None or wanted in supported_dtypes else torch.float32


text_encoder_dtype = lora_compute_dtype = unet_dtype


def vae_dtype(device=None, allowed_dtypes=[]):
    import torch

    return torch.float32


def unet_manual_cast(weight_dtype, inference_device, supported_dtypes=None):
    """The type to compute in where it is not the weights' own."""
    wanted = unet_dtype(inference_device, supported_dtypes=supported_dtypes)
    return None if wanted == weight_dtype else wanted


def pick_weight_dtype(dtype, fallback_dtype, device=None):
    return fallback_dtype if dtype is None else dtype


def supports_dtype(device, dtype):
    import torch

    return dtype in (torch.float32, torch.float16, torch.bfloat16)


supports_cast = supports_dtype


def get_supported_float8_types():
    import torch

    return [torch.float8_e4m3fn, torch.float8_e5m2]


def force_upcast_attention_dtype():
    return None


def cast_to(weight, dtype=None, device=None, non_blocking=False, copy=False, stream=None):
    return weight.to(device=device if device is not None else weight.device, dtype=dtype if dtype is not None else weight.dtype, non_blocking=non_blocking, copy=copy)


def cast_to_device(tensor, device, dtype, copy=False):
    return cast_to(tensor, dtype, device, copy=copy)
