"""The same under its number."""
from comfy_api.latest import *  # noqa: F401,F403
from comfy_api.latest import ComfyAPI, ComfyAPISync, ComfyExtension, Input, InputImpl, Types, io, ui  # noqa: F401
