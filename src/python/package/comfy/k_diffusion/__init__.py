"""Sigmas and sampling loops for denoisers written in Python."""
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.k_diffusion")
