"""comfy-api-simplified: upload, a workflow by titles, queue, history, object_info."""
import json
import sys
from pathlib import Path

from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper
from comfy_api_simplified.exceptions import ComfyApiError

folder = Path(sys.argv[2])
api = ComfyApiWrapper(sys.argv[1])
uploaded = api.upload_image(folder / "photo.png")
workflow = ComfyWorkflowWrapper(folder / "i2i.json")
workflow.set_node_param("Positive", "text", "in winter")
workflow.set_node_param("Load", "image", f"{uploaded['subfolder']}/{uploaded['name']}")
images = api.queue_and_wait_images(workflow, "Save")
queue, stats, info = api.get_queue(), api.get_system_stats(), api.get_object_info("KSampler")
api.interrupt()
workflow.set_node_param("Load", "image", "none.png")
try:
    api.queue_and_wait_images(workflow, "Save")
    refused = False
except ComfyApiError:
    refused = True
print(json.dumps({"images": {name: len(data) for name, data in images.items()}, "queue": queue, "os": stats["system"]["os"], "classes": list(info), "refused": refused}))
