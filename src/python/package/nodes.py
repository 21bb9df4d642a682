"""The registry of node classes, as packs see it."""
from comfy.model_management import InterruptProcessingException, throw_exception_if_processing_interrupted  # noqa: F401

MAX_RESOLUTION = 16384
NODE_CLASS_MAPPINGS = {}
NODE_DISPLAY_NAME_MAPPINGS = {}
EXTENSION_WEB_DIRS = {}
LOADED_MODULE_DIRS = {}


def before_node_execution():
    throw_exception_if_processing_interrupted()


def interrupt_processing(value=True):
    raise NotImplementedError("nodes.interrupt_processing is not there yet: POST /interrupt does it")
