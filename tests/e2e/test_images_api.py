"""/v1/images: the interface that clients of OpenAI know, driven by the official packages (tests/clients) and by hand."""
import base64
import io
import json
import subprocess
import threading
import time

import httpx
import pytest
from PIL import Image

from harness import CACHE, GOLDEN_MODELS, ROOT, Server, wait_for
from identities import bearer, token, with_auth
from test_hosting_clients import image_to_image, text_to_image

PACKAGES = CACHE / "clients"
PROGRAM = ROOT / "tests/clients/openai_images.py"


def with_checkpoints(base, *names):
    """The base folder of a server that has one small checkpoint, under each of these names."""
    (base / "models/checkpoints").mkdir(parents=True)
    for name in names:
        (base / "models/checkpoints" / name).symlink_to(GOLDEN_MODELS / "checkpoints/tiny_sd15.safetensors")
    return base


def quick(folder):
    """Flags for workflows of the server's choice that draw in a moment: two steps for text, two over a picture of any size and the mask that it may have."""
    drawn, edited = text_to_image(), image_to_image()
    for graph in (drawn, edited):
        graph["3"]["inputs"].update(steps=2, cfg=1.0)
    edited["12"] = {"class_type": "ImageScale", "inputs": {"image": ["11", 0], "upscale_method": "bilinear", "width": 64, "height": 64, "crop": "disabled"}}
    edited["5"]["inputs"]["pixels"] = ["12", 0]
    edited["13"] = {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["5", 0], "mask": ["11", 1]}}
    edited["3"]["inputs"]["latent_image"] = ["13", 0]
    for name, graph in (("drawn", drawn), ("edited", edited)):
        (folder / f"{name}.json").write_text(json.dumps(graph))
    return "--images-workflow", str(folder / "drawn.json"), "--images-edit-workflow", str(folder / "edited.json")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    base = with_checkpoints(tmp_path_factory.mktemp("images"), "tiny_sd15.safetensors", "tiny_sd15_too.safetensors")
    with Server(base, *quick(base)) as server:
        yield server


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (64, 64), (200, 100, 50)).save(tmp_path / "photo.png")
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (32, 0, 64, 64))
    mask.save(tmp_path / "mask.png")
    mask.resize((32, 32)).save(tmp_path / "small.png")
    return tmp_path


def openai(server, folder, what, *key):
    done = subprocess.run([PACKAGES / "python/bin/python", PROGRAM, server.url, folder, what, *key], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def javascript(server, folder):
    command = [PACKAGES / "python/bin/node", ROOT / "tests/clients/openai_images.mjs", server.url, folder, PACKAGES / "node"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def draw(server, **fields):
    return server.post("/v1/images/generations", {"prompt": "a red fox", "size": "64x64", "quality": "low", **fields})


def test_pictures_from_text(images, folder):
    found = openai(images, folder, "generate")
    assert [(one["size"], one["format"]) for one in found["two"]] == [([64, 64], "PNG")] * 2
    assert found["same"] and found["seed"] == 7 and abs(found["created"] - time.time()) < 300
    assert found["jpeg"]["size"] == [64, 96] and found["jpeg"]["format"] == "JPEG"
    png, webp = found["urls"]
    assert png["url"].startswith(f"{images.url}/v1/images/files/output/drawn_") and png["format"] == "PNG" and webp["format"] == "WEBP"


def test_models_are_the_checkpoints(images, folder):
    found = openai(images, folder, "models")
    assert found["names"] == ["tiny_sd15.safetensors", "tiny_sd15_too.safetensors", "darkroom-demo.safetensors"] and found["one"] == "darkroom"
    prompts = [entry["prompt"][2] for entry in images.json("/history").values()]
    assert "tiny_sd15_too.safetensors" in json.dumps(prompts)


def test_pictures_from_pictures(images, folder):
    found = openai(images, folder, "edit")
    assert found["plain"]["size"] == [64, 64] and [one["size"] for one in found["scaled"]] == [[128, 64]] * 2
    assert found["masked"]["size"] == [64, 64]
    assert len(list((images.base / "input/edits").glob("*.png"))) == 2, "each picture is kept once: the photo, and the photo with its mask"


def test_a_stream(images, folder):
    found = openai(images, folder, "stream")
    assert found["types"] == ["image_generation.partial_image", "image_generation.completed"]
    assert found["pictures"][-1]["size"] == [64, 64] and found["edits"] == ["image_edit.completed"]


def test_several_at_once(images, folder):
    assert [one["size"] for one in openai(images, folder, "together")] == [[64, 64]] * 3


def test_the_package_of_npm(images, folder):
    assert javascript(images, folder) == {"drawn": True, "edited": True, "refused": {"status": 400, "param": "n"}}


def test_what_is_refused(images, folder):
    found = openai(images, folder, "errors")
    assert {name: (one["class"], one["param"]) for name, one in found.items()} == {
        "n": ("BadRequestError", "n"), "empty": ("BadRequestError", "prompt"), "size": ("BadRequestError", "size"), "huge": ("BadRequestError", None),
        "background": ("BadRequestError", "background"), "model": ("NotFoundError", "model"), "no picture": ("BadRequestError", "image"),
        "mask": ("BadRequestError", "mask"), "two": ("BadRequestError", "image")}
    assert all(one["type"] == "invalid_request_error" for one in found.values())
    assert "width" in found["huge"]["message"] and found["model"]["code"] == "model_not_found"


def test_bodies_have_a_limit(images):
    def reply(size):
        return images.http.post("/v1/images/generations", content=b'{"prompt": 1}'.ljust(size)).json()["error"]
    assert reply(1 << 20)["param"] == "prompt"
    assert reply((1 << 20) + 1)["code"] == "too_large"


def test_a_server_without_checkpoints(own, folder):
    server = own("--no-demonstration-models")
    found = openai(server, folder, "one")
    assert found["class"] == "NotFoundError" and "models/checkpoints" in found["message"]
    assert server.json("/v1/models")["data"] == []


def test_a_demonstration_gives_way_to_a_checkpoint_of_the_hosts_own(own, tmp_path):
    with_checkpoints(tmp_path / "server0", "tiny_sd15.safetensors")
    server = own()
    draw(server).raise_for_status()
    (entry,) = server.json("/history").values()
    loaders = [node for node in entry["prompt"][2].values() if node["class_type"] == "CheckpointLoaderSimple"]
    assert [node["inputs"]["ckpt_name"] for node in loaders] == ["tiny_sd15.safetensors"]


def test_each_user_has_pictures_of_their_own(tmp_path, folder):
    with with_auth(with_checkpoints(tmp_path / "base", "tiny_sd15.safetensors"), *quick(tmp_path)) as server:
        address = openai(server, folder, "one", token("anna"))["url"]
        assert httpx.get(address).headers["content-type"] == "image/png"
        plain = address.split("?")[0]
        assert httpx.get(plain).status_code == 401
        assert httpx.get(plain, headers=bearer("bob")).status_code == 404
        assert httpx.get(plain, headers=bearer("anna")).status_code == 200
        assert len(server.as_somebody(bearer("anna")).json("/history")) == 1 and server.as_somebody(bearer("bob")).json("/history") == {}
        wrong = openai(server, folder, "one", "sk-nobody")
        assert (wrong["class"], wrong["type"], wrong["code"]) == ("AuthenticationError", "authentication_error", "login_needed")


def slow(folder, steps=10_000):
    graph = text_to_image()
    graph["3"]["inputs"]["steps"] = steps
    (folder / "slow.json").write_text(json.dumps(graph))
    return "--images-workflow", str(folder / "slow.json")


@pytest.fixture
def patient(tmp_path):
    """A server that draws for minutes."""
    with Server(with_checkpoints(tmp_path / "base", "tiny_sd15.safetensors"), *slow(tmp_path), "--user-waiting", "1") as server:
        yield server


def test_a_client_that_hangs_up_cancels_its_job(patient):
    for stream in (False, True):
        with pytest.raises(httpx.TimeoutException):
            with httpx.stream("POST", f"{patient.url}/v1/images/generations", json={"prompt": "x", "stream": stream}, timeout=1) as reply:
                reply.read()
        wait_for(lambda: not patient.json("/queue")["queue_running"], 20, "the job ends")
    assert [entry["status"]["status_str"] for entry in patient.json("/history").values()] == ["error"] * 2
    assert "execution_interrupted" in json.dumps(patient.json("/history"))


def test_a_cancelled_job_is_told(patient):
    replies = []
    thread = threading.Thread(target=lambda: replies.append(httpx.post(f"{patient.url}/v1/images/generations", json={"prompt": "x"}, timeout=60)))
    thread.start()
    wait_for(lambda: patient.json("/queue")["queue_running"], 20, "it runs")
    patient.post("/interrupt", {})
    thread.join()
    assert replies[0].status_code == 409 and replies[0].json()["error"]["code"] == "cancelled" and replies[0].headers["x-should-retry"] == "false"


def test_a_request_has_a_time_limit(tmp_path):
    with Server(with_checkpoints(tmp_path / "base", "tiny_sd15.safetensors"), *slow(tmp_path), "--images-time", "1") as server:
        reply = draw(server)
        assert reply.status_code == 504 and reply.json()["error"]["code"] == "timeout" and reply.headers["x-should-retry"] == "false"
        wait_for(lambda: not server.json("/queue")["queue_running"], 20, "the job ends")


def test_too_many_of_a_user(tmp_path, folder):
    flags = [*slow(tmp_path), "--user-running", "1", "--user-waiting", "1", "--images-time", "5"]
    with with_auth(with_checkpoints(tmp_path / "base", "tiny_sd15.safetensors"), *flags) as server:
        anna = server.as_somebody(bearer("anna"))
        first = anna.queue(json.loads((tmp_path / "slow.json").read_text()))
        wait_for(lambda: anna.json("/queue")["queue_running"], 20, "it runs")
        anna.queue(json.loads((tmp_path / "slow.json").read_text()))
        reply = draw(anna)
        assert reply.status_code == 429 and reply.json()["error"]["type"] == "rate_limit_error" and int(reply.headers["Retry-After"]) > 0
        anna.post("/queue", {"clear": True})
        anna.post("/interrupt", {"prompt_id": first})


def edit(server, folder, *files, **fields):
    pictures = [(name, open(folder / file, "rb")) for name, file in files]
    return server.http.post("/v1/images/edits", files=pictures, data={"prompt": "in winter", "quality": "low", **fields})


def test_a_workflow_of_the_servers_choice_is_set_up(images):
    reply = draw(images, n=2, size="64x96", seed=12).json()
    assert len(reply["data"]) == 2 and reply["seed"] == 12
    prompt = list(images.json("/history").values())[-1]["prompt"][2]
    assert prompt["6"]["inputs"]["text"] == "a red fox" and prompt["7"]["inputs"]["text"] == "before"
    assert prompt["5"]["inputs"] == {"width": 64, "height": 96, "batch_size": 2} and prompt["3"]["inputs"]["seed"] == 12


def test_the_built_in_workflows(own, folder):
    server = own(ready=False)
    (server.base / "models/checkpoints/tiny_sd15.safetensors").symlink_to(GOLDEN_MODELS / "checkpoints/tiny_sd15.safetensors")
    address = draw(server, response_format="url").json()["data"][0]["url"]
    assert address.startswith(f"{server.url}/v1/images/files/output/images/image_") and server.get(address).content.startswith(b"\x89PNG")
    reply = edit(server, folder, ("image", "photo.png"), ("mask", "mask.png")).json()
    picture = Image.open(io.BytesIO(base64.b64decode(reply["data"][0]["b64_json"])))
    assert picture.size == (64, 64) and picture.getpixel((0, 0)) == (200, 100, 50), "what the mask covers stays as it was"
    assert picture.getpixel((60, 30)) != (200, 100, 50)


def test_what_a_workflow_has_no_place_for(own, folder):
    (folder / "none.json").write_text(json.dumps({"1": {"class_type": "EmptyImage", "inputs": {}}}))
    (folder / "sizeless.json").write_text(json.dumps(image_to_image()))
    server = own("--images-workflow", str(folder / "none.json"), "--images-edit-workflow", str(folder / "sizeless.json"))
    reply = draw(server)
    assert reply.status_code == 500 and reply.json()["error"]["code"] == "bad_workflow" and "samples" in reply.json()["error"]["message"]
    photo = ("image", "photo.png")
    assert edit(server, folder, photo, size="64x64").json()["error"]["param"] == "size"
    assert edit(server, folder, photo, ("mask", "mask.png")).json()["error"]["param"] == "mask"
    assert edit(server, folder, ("other", "photo.png")).json()["error"]["param"] == "image"
