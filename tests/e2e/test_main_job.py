"""The main job, as a visitor sees it: upload, run, watch every stage, fetch the result."""
import io
import json

import numpy as np
from PIL import Image

from harness import DATA, messages_until_end, upscale

PHOTO = DATA / "restore/photos/old_migrant_mother.jpg"


def small(path, width):
    picture = Image.open(path).convert("RGB")
    picture = picture.resize((width, width * picture.height // picture.width), Image.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue(), picture


def test_a_photograph_is_enlarged_while_its_owner_watches(server):
    data, picture = small(PHOTO, 160)
    uploaded = server.upload("mother.png", data).json()
    assert uploaded["type"] == "input" and uploaded["subfolder"] == ""

    with server.socket("watcher") as ws, server.socket("stranger") as other:
        hello = json.loads(ws.recv(timeout=5))
        assert hello["type"] == "status" and hello["data"]["sid"] == "watcher"
        prompt = upscale(uploaded["name"])
        workflow = {"id": "w1", "nodes": []}
        prompt_id = server.queue(prompt, client_id="watcher", extra_data={"extra_pnginfo": {"workflow": workflow}})
        seen = messages_until_end(ws, prompt_id)
        others = []
        try:
            while True:
                others.append(json.loads(other.recv(timeout=0.3)))
        except TimeoutError:
            pass

    types = [t for t, _ in seen]
    assert types.index("execution_start") < types.index("execution_cached") < types.index("executing")
    assert [d["node"] for t, d in seen if t == "executing"][-1] is None
    assert {d["node"] for t, d in seen if t == "executing" and d["node"]} == {"1", "2", "3", "4"}
    steps = [d for t, d in seen if t == "progress" and d["node"] == "3"]
    assert steps and steps[-1]["value"] == steps[-1]["max"] and all(isinstance(s["value"], int) for s in steps)
    assert types.count("execution_success") == 1 and "execution_error" not in types
    assert {m["type"] for m in others} == {"status"}, "only the owner gets the messages of a job"

    entry = server.json(f"/history/{prompt_id}")[prompt_id]
    assert entry["status"]["status_str"] == "success" and entry["status"]["completed"] is True
    result = Image.open(io.BytesIO(server.view(entry["outputs"]["4"]["images"][0])))
    assert result.size == (picture.width * 4, picture.height * 4)
    assert json.loads(result.text["prompt"])["3"]["class_type"] == "ImageUpscaleWithModel"
    assert json.loads(result.text["workflow"]) == workflow
    # An enlargement, not something else of the right size: shrunk again it is the photograph.
    shrunk = np.asarray(result.convert("RGB").resize(picture.size, Image.BOX), dtype=float)
    difference = np.abs(shrunk - np.asarray(picture, dtype=float)).mean()
    assert difference < 8, f"mean difference {difference:.1f} of 255"


def test_the_same_job_again_is_answered_from_the_cache(server):
    data, _ = small(PHOTO, 48)
    name = server.upload("again.png", data).json()["name"]
    first = server.run(upscale(name, prefix="again"))
    with server.socket("cached") as ws:
        prompt_id = server.queue(upscale(name, prefix="again"), client_id="cached")
        seen = messages_until_end(ws, prompt_id)
    cached = next(d["nodes"] for t, d in seen if not isinstance(t, bytes) and t == "execution_cached")
    assert set(cached) == {"1", "2", "3", "4"}
    assert server.json(f"/history/{prompt_id}")[prompt_id]["outputs"] == first["outputs"], "no new file is written"
