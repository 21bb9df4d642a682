"""The article's client: text to image, image to image, progress."""
import importlib
import importlib.util
import json
import logging
import sys
import types
from pathlib import Path

# Its modules call each other by the name of the folder that they came from.
sys.modules["api"] = types.ModuleType("api")
sys.modules["api"].__path__ = importlib.util.find_spec("comfyui_api_client").submodule_search_locations
helpers = importlib.import_module("api.api_helpers")

server, folder = sys.argv[1].removeprefix("http://"), Path(sys.argv[2])
said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
helpers.logger.addHandler(handler)

workflow = json.loads((folder / "t2i.json").read_text())
workflow["6"]["inputs"]["text"] = "a red apple"
workflow["3"]["inputs"]["seed"] = 123456789012345
images = helpers.generate_image_by_prompt(workflow, server, True)

workflow = json.loads((folder / "i2i.json").read_text())
workflow["11"]["inputs"]["image"] = "article.png"
helpers.generate_image_by_prompt_and_image(workflow, server, str(folder / "article"), str(folder / "photo.png"), "article.png", True)
print(json.dumps({"sizes": [image.size for image in images], "said": said, "saved": sorted(p.name for p in (folder / "article").rglob("*.png"))}))
