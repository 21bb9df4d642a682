"""A pack of one node: it measures pictures, and tells the editor what it found while the prompt runs.

The node speaks in three ways: a message of its own kind (web/brightness.js listens), a report that stays in the history ("ui"), and a
value for the next node ("result").
"""
from server import PromptServer

MESSAGE = "darkroom.example.brightness"


class Brightness:
    """The mean of a picture's numbers, 0 (black) to 1 (white)."""

    CATEGORY = "examples"
    DESCRIPTION = "Measures how bright a picture is."
    RETURN_TYPES = ("IMAGE", "FLOAT")
    RETURN_NAMES = ("image", "brightness")
    FUNCTION = "measure"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"image": ("IMAGE", {}), "limit": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01, "tooltip": "From here on it counts as bright."})},
            "hidden": {"node_id": "UNIQUE_ID"},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, limit):
        return True if limit < 1 else "no picture is brighter than white"

    def measure(self, image, limit, node_id=None):
        brightness = float(image.mean())
        word = "bright" if brightness >= limit else "dark"
        server = PromptServer.instance
        server.send_sync(MESSAGE, {"node": node_id, "brightness": brightness, "word": word}, server.client_id)
        return {"ui": {"text": [f"{word}: {brightness:.3f}"]}, "result": (image, brightness)}


NODE_CLASS_MAPPINGS = {"ExampleBrightness": Brightness}
NODE_DISPLAY_NAME_MAPPINGS = {"ExampleBrightness": "Brightness (example)"}
WEB_DIRECTORY = "./web"
