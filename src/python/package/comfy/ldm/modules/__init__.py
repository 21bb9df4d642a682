"""Parts of networks."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.ldm.modules")
