"""The small models that ship to show what the project does: what a fresh machine makes of them, beside the networks that they were trained as."""
import io
import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from harness import BIN, DATA, ROOT, Server
from restorations import restore, until_closed, watch

GOLDEN = DATA / "demonstration"
MODEL = "darkroom-demo.safetensors"  # each of them, in its own folder
BOUND = {"fp32": 50, "bf16": 38}  # decibels, of colours
PROMPTS = (ROOT / "models/training/words/prompts.txt").read_text().splitlines()


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def server(request, tmp_path_factory):
    with Server(tmp_path_factory.mktemp(request.param) / "base", precision=request.param) as server:
        server.precision = request.param
        yield server


def psnr(one, other):
    error = np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2)
    return 99 if error == 0 else 10 * np.log10(255**2 / error)


def test_they_are_small_and_said_to_be_demonstrations(server):
    assert server.json("/models/ddcolor") == server.json("/models/checkpoints") == [MODEL]
    assert server.json("/restore/info")["models"]["colorize"] == [{"name": MODEL, "demonstration": True}]
    for folder in ("ddcolor", "checkpoints"):
        assert (ROOT / "models/demonstration" / folder / MODEL).stat().st_size <= 25e6


def test_words_give_the_pictures_of_the_network_that_was_trained(server):
    """All of the prompts in float32, some of them in bf16."""
    wanted = Image.open(GOLDEN / "words.png")
    for i, text in list(enumerate(PROMPTS))[::{"fp32": 1, "bf16": 8}[server.precision]]:
        prompt = json.loads((ROOT / "workflows/start.json").read_text())
        prompt["6"]["inputs"]["text"], prompt["3"]["inputs"]["seed"] = text, 7 + i
        entry = server.run(prompt, 60)
        assert (entry["status"]["status_str"], entry["status"]["precision"]) == ("success", server.precision), entry["status"]
        picture = Image.open(io.BytesIO(server.view(entry["outputs"]["9"]["images"][0]))).convert("RGB")
        left, top = i % 6 * 128, i // 6 * 128
        assert psnr(picture, wanted.crop((left, top, left + 128, top + 128))) > {"fp32": 60, "bf16": 35}[server.precision], text


def test_a_fresh_machine_draws_in_the_size_of_the_model(tmp_path):
    done = subprocess.run([BIN / "darkroom", "txt2img", "a red apple", "--seed", "7", "--base-directory", tmp_path / "base", "-o", tmp_path], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert f"model {MODEL}, a demonstration" in done.stderr
    picture = Image.open(done.stdout.strip())
    assert picture.size == (128, 128)
    red, green, blue = np.asarray(picture, float)[40:90, 40:90].mean((0, 1))
    assert red > 1.5 * max(green, blue), "an apple in the middle, and a red one"


def test_a_grey_photograph_gets_the_colours_of_the_network_that_was_trained(server):
    name = server.upload("grey.png", (GOLDEN / "grey.png").read_bytes(), overwrite="true").json()["name"]
    entry = server.run({"1": {"class_type": "LoadImage", "inputs": {"image": name}},
                        "2": {"class_type": "DDColor", "inputs": {"image": ["1", 0], "model": MODEL, "model_input_size": 0}},
                        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "coloured"}}}, 120)
    assert entry["status"]["status_str"] == "success", entry["status"]
    picture = Image.open(io.BytesIO(server.view(entry["outputs"]["3"]["images"][0]))).convert("RGB")
    assert psnr(picture, Image.open(GOLDEN / "colour.png")) > BOUND[server.precision]
    assert np.std(np.asarray(picture, float), axis=2).mean() > 5, "it is not grey any more"


def test_a_model_of_the_users_own_comes_first(tmp_path):
    """Whatever its name: a demonstration model is for machines that have none."""
    own = tmp_path / "base/models/ddcolor"
    own.mkdir(parents=True)
    (own / "zz_own.safetensors").symlink_to(ROOT / "models/demonstration/ddcolor" / MODEL)
    with Server(tmp_path / "base") as server:
        assert server.json("/restore/info")["models"]["colorize"][0] == {"name": "zz_own.safetensors", "demonstration": False}
        assert server.json("/models/ddcolor") == ["zz_own.safetensors", MODEL]


def test_a_photograph_that_is_only_uploaded_is_coloured_by_it(server):
    """As somebody who has just started the server does it."""
    reply = restore(server, (GOLDEN / "grey.png").read_bytes(), "grey.png")
    assert reply.status_code == 202, reply.text
    with watch(server, f"?job={reply.json()['job_id']}") as ws:
        last = until_closed(ws)[-1]
    assert last["stage"] == "complete", last
    job = server.json(f"/restore/{reply.json()['job_id']}")
    assert job["model"] == MODEL
    picture = Image.open(io.BytesIO(server.get(job["result_url"]).content)).convert("RGB")
    assert psnr(picture, Image.open(GOLDEN / "colour.png")) > BOUND[server.precision], "in the size that the network was made for, too"
