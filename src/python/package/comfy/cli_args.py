"""The flags that packs ask about, by ComfyUI's names and with its defaults where Darkroom does not say otherwise."""
import argparse
import enum

import _darkroom
import folder_paths
from darkroom_host import current, flags
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.cli_args")


class LatentPreviewMethod(enum.Enum):
    NoPreviews = "none"
    Auto = "auto"
    Latent2RGB = "latent2rgb"
    TAESD = "taesd"

    @classmethod
    def from_string(cls, value):
        return next((one for one in cls if one.value == value), None)


class PerformanceFeature(enum.Enum):
    Fp16Accumulation = "fp16_accumulation"
    Fp8MatrixMultiplication = "fp8_matrix_mult"
    CublasOps = "cublas_ops"
    AutoTune = "autotune"


class Flags(argparse.Namespace):
    """One that Darkroom does not have is None."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    @property
    def disable_metadata(self):
        return bool(_darkroom.whose(current.number())[3])

    @property
    def cpu(self):
        from comfy.model_management import cpu_mode

        return cpu_mode()

    @property
    def base_directory(self):
        return folder_paths.base_path

    @property
    def output_directory(self):
        return folder_paths.get_output_directory()

    @property
    def input_directory(self):
        return folder_paths.get_input_directory()

    @property
    def temp_directory(self):
        return folder_paths.get_temp_directory()

    @property
    def user_directory(self):
        return folder_paths.get_user_directory()


_OFF = """auto_launch bf16_text_enc bf16_unet bf16_vae cache_classic cache_none cpu_vae cuda_malloc deterministic disable_all_custom_nodes disable_api_nodes disable_async_offload
disable_auto_launch disable_cuda_malloc disable_ipex_optimize disable_manager_ui disable_mmap disable_pinned_memory disable_smart_memory disable_xformers dont_print_server
dont_upcast_attention enable_compress_response_body enable_manager enable_manager_legacy_ui force_channels_last force_fp16 force_fp32 force_non_blocking force_upcast_attention
fp16_text_enc fp16_unet fp16_vae fp32_text_enc fp32_unet fp32_vae fp64_unet fp8_e4m3fn_text_enc fp8_e4m3fn_unet fp8_e5m2_text_enc fp8_e5m2_unet fp8_e8m0fnu_unet gpu_only
highvram log_stdout lowvram mmap_torch_files multi_user normalvram novram quick_test_for_ci supports_fp8_compute use_flash_attention use_pytorch_cross_attention
use_quad_cross_attention use_sage_attention use_split_cross_attention windows_standalone_build""".split()

_DEFAULTS = {
    "cache_lru": 0, "cache_ram": 0, "fast": set(), "whitelist_custom_nodes": [], "listen": "127.0.0.1", "port": 8188, "max_upload_size": 100, "preview_size": 512,
    "preview_method": LatentPreviewMethod.NoPreviews, "verbose": "INFO", "default_hashing_function": "sha256", "comfy_api_base": "https://api.comfy.org",
    "front_end_version": "comfyanonymous/ComfyUI@latest",
}

args = Flags(**{**{name: False for name in _OFF}, **_DEFAULTS, **flags.given})
