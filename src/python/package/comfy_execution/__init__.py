"""Its modules are there without being imported one by one, as in ComfyUI."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_execution")
