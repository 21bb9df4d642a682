"""The flags that packs ask about."""
import argparse

import _darkroom
from darkroom_host import current


class Flags(argparse.Namespace):
    """One that Darkroom does not have is None."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    @property
    def disable_metadata(self):
        return bool(_darkroom.whose(current.number())[3])


args = Flags(
    cpu=False, preview_method="none", multi_user=False, verbose="INFO", lowvram=False, normalvram=False, highvram=False,
    novram=False, gpu_only=False, fast=set(), deterministic=False, force_fp32=False, force_fp16=False, disable_all_custom_nodes=False,
)
