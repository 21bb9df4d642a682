"""Client packages that people use, unchanged (tests/clients)."""
import json
import os
import subprocess

import pytest
from PIL import Image

from harness import CACHE, ROOT
from test_hosting_clients import image_to_image, text_to_image

CLIENTS = ROOT / "tests/clients"
PACKAGES = CACHE / "clients"


@pytest.fixture
def folder(tmp_path):
    for name, graph in (("t2i", text_to_image()), ("i2i", image_to_image())):
        for id, node in graph.items():
            node.setdefault("_meta", {"title": {"9": "Save", "11": "Load"}.get(id, node["class_type"])})
        (tmp_path / f"{name}.json").write_text(json.dumps(graph))
    Image.new("RGB", (64, 64), (200, 100, 50)).save(tmp_path / "photo.png")
    return tmp_path


def said(*command, cwd, **kw):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120, **kw)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout.strip().splitlines()[-1])


def python(program, server, folder):
    return said(PACKAGES / "python/bin/python", CLIENTS / program, server.url, folder, cwd=folder)


def test_the_articles_own_client(server, folder):
    found = python("article.py", server, folder)
    assert found["sizes"] == [[64, 64], [64, 64]]
    assert [line for line in found["said"] if "K-Sampler" in line][:3] == [f"In K-Sampler -> Step: {n} of 3" for n in (1, 2, 3)]
    assert "Progress: 8/8 Tasks done" in found["said"]
    assert len(found["saved"]) == 2 and any(name.startswith("drawn_") for name in found["saved"])


def test_a_class_with_a_socket(server, folder):
    found = python("socket_class.py", server, folder)
    name, = found["images"]
    assert name.startswith("drawn_") and found["images"][name] > 100
    assert found["classes"] == ["KSampler"] and found["refused"] and set(found["queue"]) == {"queue_running", "queue_pending"}


def test_a_client_with_http_alone(server, folder):
    assert python("http_only.py", server, folder)["sizes"] == {"Save": [64, 64]}


def test_a_typescript_sdk(server, folder):
    found = said(PACKAGES / "python/bin/node", CLIENTS / "typescript_sdk.mjs", server.url, folder, PACKAGES / "node", cwd=folder)
    assert [[1, 3], [2, 3], [3, 3]] == [step for step in found["progress"] if step[1] == 3]
    assert found["names"][0].startswith("drawn_") and found["bytes"] > 100 and found["start"] == found["pending"]
    assert found["upload"]["filename"].startswith("sdk") and "tiny_sd15.safetensors" in found["checkpoints"]
    assert found["history"] == 1 and found["failure"] != "none"


def check_api_v2(found):
    assert found["new"] == [True, False] and found["known"] is True
    assert found["statuses"][-1] == "succeeded" and len(found["outputs"]) == 2 and found["outputs"][0].startswith("drawn_"), "what was saved, and the preview"
    assert found["progress"] == sorted(found["progress"]) and found["progress"][-1] <= 1
    assert found["bytes"][0] == found["bytes"][1] > 100 and found["range"] is True
    assert "/api/v2/assets/" in found["address"] and found["workflow"] == ["api", True] and found["cancelled"] in ("canceled", "succeeded")


def test_the_python_sdk_of_api_v2(server, folder):
    found = python("api_v2.py", server, folder)
    check_api_v2(found)
    assert found["hash"].startswith("blake3:") and found["listed"] == [True] and found["reused"] == "succeeded"
    assert found["refused"] == ["InvalidWorkflow", "invalid_workflow", 422] and found["deleted"] == ["NotFound", "not_found"]


def test_the_typescript_sdk_of_api_v2(server, folder):
    found = said(PACKAGES / "python/bin/node", CLIENTS / "api_v2.mjs", server.url, folder, PACKAGES / "node", cwd=folder)
    check_api_v2(found)
    assert found["refused"] == ["InvalidWorkflow", True, "invalid_workflow"]


def test_comfy_cli_runs_a_workflow(server, folder):
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "DO_NOT_TRACK": "1", "CI": "1"}
    done = subprocess.run([PACKAGES / "python/bin/comfy", "--skip-prompt", "--no-enable-telemetry", "run", "--workflow", folder / "t2i.json", "--host", "127.0.0.1",
                           "--port", str(server.port), "--wait", "--json"], env=env, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert events[-1]["ok"] is True, events
    assert "drawn_" in json.dumps(events)
