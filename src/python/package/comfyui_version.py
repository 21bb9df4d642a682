"""The version of ComfyUI whose protocol and Python surface this is."""
__version__ = "0.8.0"
