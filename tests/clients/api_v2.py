"""The Python SDK of API v2 (PyPI comfy-sdk): upload, submit, events, results, ranges, list, workflow, cancel."""
import json
import os
import sys
from itertools import islice
from pathlib import Path

server, folder = sys.argv[1], Path(sys.argv[2])
os.environ["COMFY_BASE_URL"] = server  # the SDK takes its address from nowhere else
from comfy_sdk import Comfy, ComfyError
from comfy_sdk.events import OutputReady, Preview, Progress, StatusChange

found = {}
with Comfy(client_info="darkroom-tests") as client:
    asset = client.assets.from_file(folder / "photo.png")
    asset.commit()
    again = client.assets.from_file(folder / "photo.png")
    again.commit()
    found["new"], found["hash"] = [asset.created_new, again.created_new], asset.hash
    found["known"] = client.assets.get(asset.id).hash == asset.hash == again.hash
    found["address"] = asset.get_download_url().url

    workflow = client.workflows.from_file(str(folder / "i2i.json"))
    node, = [id for id, node in workflow.json.items() if node["class_type"] == "LoadImage"]
    workflow.set_input(node, "image", asset)
    job = client.submit(workflow, metadata={"client": "tests"})
    events = list(job.events())
    found["statuses"] = [event.status for event in events if isinstance(event, StatusChange)]
    found["progress"] = [event.value for event in events if isinstance(event, Progress)]
    found["previews"] = sum(isinstance(event, Preview) for event in events)
    found["outputs"] = [event.output.name for event in events if isinstance(event, OutputReady)]
    result = job.result()
    output = result.outputs[0]
    path = output.to_file(folder / output.name)
    found["bytes"] = [path.stat().st_size, output.size_bytes]
    found["range"] = output.to_bytes(range=(0, 7)) == path.read_bytes()[:8]
    found["listed"] = [one.id == job.id for one in islice(client.list_jobs(metadata={"client": "tests"}, limit=1), 3)]
    stored = client.jobs.get(job.id).get_workflow()
    found["workflow"] = [stored.format, sorted(stored.graph) == sorted(workflow.json)]

    reused = client.workflows.from_file(str(folder / "i2i.json"))
    reused.set_input(node, "image", client.assets.get(output.id))
    found["reused"] = client.submit(reused).wait(timeout=120).status
    cancelled = client.submit(workflow).cancel()
    found["cancelled"] = cancelled.wait(timeout=60).status
    broken = client.workflows.from_file(str(folder / "i2i.json"))
    broken.set_input(node, "image", "nobody.png")
    try:
        client.submit(broken)
    except ComfyError as error:
        found["refused"] = [type(error).__name__, error.code, error.http_status]
    asset.delete()
    try:
        client.assets.get(asset.id)
    except ComfyError as error:
        found["deleted"] = [type(error).__name__, error.code]
print(json.dumps(found))
