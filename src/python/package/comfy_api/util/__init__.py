"""Older names of comfy_api.latest."""
from comfy_api.latest._media import VideoCodec, VideoComponents, VideoContainer  # noqa: F401
from darkroom_host.host_modules import rest

__getattr__ = rest("comfy_api.util")
