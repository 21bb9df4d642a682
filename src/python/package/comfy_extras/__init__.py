"""The modules of the extra nodes: their classes are made when they are asked for."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_extras")
