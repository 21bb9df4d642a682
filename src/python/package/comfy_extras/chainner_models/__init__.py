"""Networks that enlarge pictures, by an older name."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_extras.chainner_models")
