"""The OpenAPI document beside what the server does: schemathesis asks every route for odd things, and replies with something in them are compared."""
import io
import json
import os
import subprocess

from PIL import Image

from harness import CACHE, GOLDEN_MODELS, ROOT, empty_image, wait_for
from test_images_api import quick

CLIENTS = ROOT / "tests/clients"
PROGRAMS = CACHE / "clients/python/bin"
CHECKS = "no_fault_of_our_own,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"


def picture():
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 100, 50)).save(out, "PNG")
    return out.getvalue()


def test_odd_requests_get_the_replies_of_the_document(own, tmp_path):
    """The same 1,500 requests each time. No checkpoint is there, so that none of them draws for long."""
    server = own()
    server.run(empty_image("before"))
    server.upload("photo.png", picture())
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(CLIENTS)}
    command = [PROGRAMS / "st", "run", f"{server.url}/openapi.json", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "3",
               "--generation-deterministic", "--continue-on-failure", "--no-shrink", "--no-color"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    paths = server.json("/openapi.json")["paths"].values()  # among them the document's own, which schemathesis leaves out
    operations = sum(method != "parameters" for path in paths for method in path)
    assert f"Tested: {operations - 1}" in done.stdout, done.stdout[-2000:]
    assert server.json("/health/live") == {"status": "live"}


def test_replies_with_something_in_them(own, tmp_path):
    server = own(*quick(tmp_path))
    (server.base / "models/checkpoints/tiny_sd15.safetensors").symlink_to(GOLDEN_MODELS / "checkpoints/tiny_sd15.safetensors")
    job = server.queue(empty_image("shown"))
    entry = server.wait(job)
    file = entry["outputs"]["2"]["images"][0]["filename"]
    server.upload("photo.png", picture())
    server.http.post("/userdata/workflows%2Fa.json", content=b"{}").raise_for_status()
    restored = server.http.post("/restore", files={"image": ("photo.png", picture())}, data={"options": '{"sharpen": 0.5}'}).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{restored}")["state"] == "complete", 60, "the restoration ends")
    token = server.post("/auth/tokens", {"label": "a", "user": "anna"}).json()["id"]
    drawing = {"prompt": "a red fox", "size": "64x64", "quality": "low"}

    def request(method, path, address=None, status=200, **more):
        return {"method": method, "path": path, "address": address or path, "status": status, **more}
    requests = [
        request("POST", "/prompt", json={"prompt": empty_image("again")}), request("GET", "/queue"), request("GET", "/history"),
        request("GET", "/history/{prompt_id}", f"/history/{job}"), request("GET", "/api/jobs"), request("GET", "/api/jobs/{job_id}", f"/api/jobs/{job}"),
        request("GET", "/view", f"/view?filename={file}"), request("GET", "/view", f"/view?filename={file}&preview=webp;80"),
        request("GET", "/userdata", "/userdata?dir=workflows&full_info=true"), request("GET", "/userdata", "/userdata?dir=workflows&split=true"),
        request("GET", "/v2/userdata"), request("GET", "/userdata/{file}", "/userdata/workflows%2Fa.json"),
        request("GET", "/object_info/{class}", "/object_info/KSampler"), request("GET", "/models/{folder}", "/models/checkpoints"),
        request("GET", "/experiment/models/{folder}", "/experiment/models/checkpoints"), request("GET", "/metrics"),
        request("GET", "/restore/{id}", f"/restore/{restored}"), request("GET", "/restore/jobs"),
        request("GET", "/results/{id}/{name}", f"/results/{restored}/result.png"),
        request("GET", "/auth/tokens"), request("DELETE", "/auth/tokens/{id}", f"/auth/tokens/{token}"),
        request("GET", "/v1/models"), request("GET", "/v1/models/{model}", "/v1/models/tiny_sd15.safetensors"),
        request("POST", "/v1/images/generations", json=drawing), request("POST", "/v1/images/generations", json={**drawing, "response_format": "url"}),
        request("POST", "/v1/images/generations", json={**drawing, "stream": True}), request("POST", "/v1/images/generations", status=400, json={"n": 1}),
    ]
    command = [PROGRAMS / "python", CLIENTS / "openapi_replies.py", server.url]
    done = subprocess.run(command, input=json.dumps(requests), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(json.loads(done.stdout)) == len(requests)
