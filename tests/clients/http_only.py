"""comfyui-workflow-client: only HTTP; sets nodes by title or class and polls the history."""
import json
import sys
from pathlib import Path

from comfyuiclient import ComfyUIClient
from PIL import Image

folder = Path(sys.argv[2])
client = ComfyUIClient(sys.argv[1].removeprefix("http://"), str(folder / "i2i.json"))
client.connect()
client.set_data(key="KSampler", seed=5)
client.set_data(key="Positive", text="in winter")
client.set_data(key="Load", image=Image.open(folder / "photo.png"))
results = client.generate(["Save"])
client.close()
print(json.dumps({"sizes": {name: image.size for name, image in results.items()}}))
