"""The flags that packs ask about."""
import argparse

args = argparse.Namespace(
    listen="127.0.0.1", port=8188, cpu=False, disable_metadata=False, preview_method="none", base_directory=None, output_directory=None,
    input_directory=None, temp_directory=None, user_directory=None, multi_user=False, verbose="INFO", lowvram=False, normalvram=False,
    highvram=False, novram=False, gpu_only=False, fast=set(), deterministic=False, force_fp32=False, force_fp16=False, disable_all_custom_nodes=False,
)
