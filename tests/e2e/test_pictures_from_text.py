"""Text to image and image to image, as the article on hosting workflows does it: its two examples with a small SDXL file of the same name,
watched over the WebSocket, with previews, seeds, and what goes wrong in words that users know."""
import base64
import copy
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import numpy as np
import pytest
from PIL import Image

from harness import BIN, CACHE, DATA, GOLDEN_MODELS, ROOT, Server, messages_until_end

ARTICLE_MODEL = "sdXL_v10VAEFix.safetensors"


def joined(path, *sources):
    """One safetensors file with the tensors of several; blocks of zeros become holes."""
    headers, header, offset = [], {}, 0
    for source in sources:
        with open(source, "rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            tensors = json.loads(file.read(size))
        tensors.pop("__metadata__", None)
        prefix = "first_stage_model." if "vae" in source.parent.name else ""
        length = source.stat().st_size - 8 - size
        for name, entry in tensors.items():
            entry["data_offsets"] = [entry["data_offsets"][0] + offset, entry["data_offsets"][1] + offset]
            header[prefix + name] = entry
        headers.append((source, 8 + size, length))
        offset += length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    part = path.with_suffix(".part")
    with open(part, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for source, start, length in headers:
            with open(source, "rb") as file:
                file.seek(start)
                while block := file.read(1 << 20):
                    out.write(block) if block.count(0) != len(block) else out.seek(len(block), os.SEEK_CUR)
        out.truncate()
    part.rename(path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A server with the small models and the article's checkpoint."""
    checkpoints = CACHE / "models-test/article/checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    if not (checkpoints / ARTICLE_MODEL).exists():
        joined(checkpoints / ARTICLE_MODEL, GOLDEN_MODELS / "checkpoints/tiny_sdxl.safetensors", GOLDEN_MODELS / "vae/tiny_vae.safetensors")
    base = tmp_path_factory.mktemp("pictures")
    (base / "models").mkdir()
    for folder in GOLDEN_MODELS.iterdir():
        if folder.is_dir() and folder.name != "checkpoints":
            (base / "models" / folder.name).symlink_to(folder)
    (base / "models/checkpoints").mkdir()
    for file in [*(GOLDEN_MODELS / "checkpoints").iterdir(), checkpoints / ARTICLE_MODEL]:
        (base / "models/checkpoints" / file.name).symlink_to(file)
    with Server(base, "--preview-method", "auto") as running:
        yield running


def text_to_image(model=ARTICLE_MODEL, seed=7, steps=22, size=64, **sampler):
    """The article's first workflow: ids are numbers as texts, the sampler is node 3."""
    settings = {"seed": seed, "steps": steps, "cfg": 6.2, "sampler_name": "dpmpp_3m_sde", "scheduler": "karras", "denoise": 1, **sampler}
    return {
        "3": {"class_type": "KSampler", "inputs": {**settings, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cinematic photo of a lighthouse", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "article"}},
    }


def image_to_image(picture):
    prompt = text_to_image(steps=22, cfg=8, denoise=0.6)
    prompt["10"] = {"class_type": "LoadImage", "inputs": {"image": picture}}
    prompt["11"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    prompt["3"]["inputs"]["latent_image"] = ["11", 0]
    del prompt["5"]
    return prompt


def watch(server, prompt, client="painter", seconds=300):
    with server.socket(client) as ws:
        prompt_id = server.queue(prompt, client_id=client)
        seen = messages_until_end(ws, prompt_id, seconds)
    return prompt_id, seen


def result(server, prompt_id, node="9"):
    entry = server.json(f"/history/{prompt_id}")[prompt_id]
    assert entry["status"]["status_str"] == "success", entry["status"]
    return Image.open(io.BytesIO(server.view(entry["outputs"][node]["images"][0])))


def pixels(picture):
    return np.asarray(picture.convert("RGB"), dtype=int)


def test_the_articles_text_to_image(pictures):
    prompt_id, seen = watch(pictures, text_to_image())
    events = [m for m in seen if not isinstance(m, bytes)]
    steps = [d for t, d in events if t == "progress" and d["node"] == "3"]
    assert [s["value"] for s in steps] == list(range(1, 23)) and {s["max"] for s in steps} == {22}
    previews = [m for m in seen if isinstance(m, bytes)]
    assert len(previews) >= 1, "previews of the latent come with the steps"
    kind, picture_format = struct.unpack(">II", previews[0][:8])
    assert (kind, picture_format) == (1, 1)
    assert Image.open(io.BytesIO(previews[0][8:])).format == "JPEG"

    first = result(pictures, prompt_id)
    assert first.size == (64, 64)
    assert json.loads(first.text["prompt"])["3"]["inputs"]["seed"] == 7
    assert first.text["precision"] == '"fp32"' and pictures.json(f"/history/{prompt_id}")[prompt_id]["status"]["precision"] == "fp32"
    assert pixels(first).std() > 1, "a picture, not a plain colour"

    # Another seed asks nothing but the sampler and what follows it, and makes another picture; the first seed makes the first again.
    other_id, seen = watch(pictures, text_to_image(seed=8))
    cached = next(d["nodes"] for t, d in (m for m in seen if not isinstance(m, bytes)) if t == "execution_cached")
    assert set(cached) == {"4", "5", "6", "7"}
    assert np.abs(pixels(result(pictures, other_id)) - pixels(first)).max() > 0
    again = text_to_image()
    again["9"]["inputs"]["filename_prefix"] = "again"
    again_id, _ = watch(pictures, again)
    assert np.abs(pixels(result(pictures, again_id)) - pixels(first)).max() == 0


def test_the_articles_image_to_image(pictures):
    photo = Image.open(DATA / "restore/photos/old_migrant_mother.jpg").convert("RGB").resize((64, 80))
    out = io.BytesIO()
    photo.save(out, "PNG")
    name = pictures.upload("sketch.png", out.getvalue()).json()["name"]
    prompt_id, seen = watch(pictures, image_to_image(name))
    steps = [m[1] for m in seen if not isinstance(m, bytes) and m[0] == "progress" and m[1]["node"] == "3"]
    assert steps[-1]["value"] == steps[-1]["max"] == 22
    assert result(pictures, prompt_id).size == (64, 80)


def test_sampling_stops_within_a_step(pictures):
    with pictures.socket("impatient") as ws:
        prompt_id = pictures.queue(text_to_image("tiny_sd15.safetensors", steps=2000, size=512, sampler_name="euler"), client_id="impatient")
        while True:
            raw = ws.recv(timeout=60)
            if not isinstance(raw, bytes) and json.loads(raw)["type"] == "progress":
                break
        asked = time.monotonic()
        pictures.post("/interrupt", {})
        messages_until_end(ws, prompt_id, 30)
        took = time.monotonic() - asked
    assert pictures.json(f"/history/{prompt_id}")[prompt_id]["status"]["status_str"] == "error"
    assert took < 10, f"interrupted after {took:.1f} s"


@pytest.mark.parametrize("change, node, words", [
    (lambda p: p["4"]["inputs"].update(ckpt_name="tiny_sd2_v.safetensors"), "8", "VAE"),
    (lambda p: p.update({"4": {"class_type": "UNETLoader", "inputs": {"unet_name": "tiny_sd15_b.safetensors", "weight_dtype": "default"}},
                         "12": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": ARTICLE_MODEL}},
                         "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["12", 1]}},
                         "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "b", "clip": ["12", 1]}},
                         "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["12", 2]}}}), "3", "does not fit the model"),
])
def test_parts_that_do_not_fit_say_so_on_their_node(pictures, change, node, words):
    prompt = copy.deepcopy(text_to_image(steps=1))
    change(prompt)
    entry = pictures.run(prompt, seconds=120)
    error = next(m[1] for m in entry["status"]["messages"] if m[0] == "execution_error")
    assert error["node_id"] == node and words in error["exception_message"], error


def test_a_broken_checkpoint_is_an_error_of_its_loader(pictures):
    folder = pictures.base / "models/checkpoints"
    data = (GOLDEN_MODELS / "diffusion_models/tiny_sd15_inpaint.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(data[: len(data) // 2])
    (folder / "upscaler.safetensors").symlink_to(GOLDEN_MODELS / "upscale_models/srvgg_x4.safetensors")
    try:
        for name, words in (("cut.safetensors", "cut.safetensors"), ("upscaler.safetensors", "no diffusion model")):
            entry = pictures.run(text_to_image(name, steps=1))
            error = next(m[1] for m in entry["status"]["messages"] if m[0] == "execution_error")
            assert error["node_id"] == "4" and words in error["exception_message"], error
    finally:
        (folder / "cut.safetensors").unlink()
        (folder / "upscaler.safetensors").unlink()


def test_txt2img_and_img2img_from_the_command_line(pictures, tmp_path):
    def darkroom(*arguments):
        return subprocess.run([BIN / "darkroom", *arguments], capture_output=True, text=True, timeout=200)

    common = ["--model", "tiny_sd15.safetensors", "--steps", "2", "--seed", "5", "-o", str(tmp_path)]
    here = darkroom("txt2img", "a red fox", "--negative", "blurry", "--size", "64x96", *common, "--base-directory", str(pictures.base), "--precision", "fp32")
    assert here.returncode == 0, here.stderr
    there = darkroom("txt2img", "a red fox", "--negative", "blurry", "--size", "64x96", *common, "--server", pictures.url)
    assert there.returncode == 0, there.stderr
    a, b = (Image.open(out.stdout.strip()) for out in (here, there))
    assert a.size == (64, 96) and np.abs(pixels(a) - pixels(b)).max() <= 1
    repainted = darkroom("img2img", here.stdout.strip(), "a red fox", "--denoise", "0.5", *common, "--server", pictures.url)
    assert repainted.returncode == 0, repainted.stderr
    assert Image.open(repainted.stdout.strip()).size == (64, 96)
    assert darkroom("txt2img", "a fox", "--size", "63x64", *common).returncode == 2


def test_a_picture_is_as_large_as_the_model_was_made_for(pictures, tmp_path):
    name = "checkpoints/tiny_sd15.safetensors"
    tiny = GOLDEN_MODELS / name
    with open(tiny, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        head, tensors = json.loads(file.read(length)), file.read()
    folder = pictures.base / "models/checkpoints"
    try:
        for model, said, size in (("sized", "72x64", (72, 64)), ("odd", "big", (512, 512))):
            head["__metadata__"] = {"modelspec.resolution": said}
            written = json.dumps(head).encode()
            (folder / f"{model}.safetensors").write_bytes(len(written).to_bytes(8, "little") + written + tensors)
            for where in (("--base-directory", str(pictures.base)), ("--server", pictures.url)):
                done = subprocess.run([BIN / "darkroom", "txt2img", "a fox", "--model", f"{model}.safetensors", "--steps", "1", "-o", str(tmp_path), *where], capture_output=True, text=True, timeout=200)
                assert done.returncode == 0, done.stderr
                assert Image.open(done.stdout.strip()).size == size
    finally:
        for model in ("sized", "odd"):
            (folder / f"{model}.safetensors").unlink(missing_ok=True)


def test_without_a_model_the_first_one_is_taken(pictures, own, tmp_path):
    def fox(*flags):
        return subprocess.run([BIN / "darkroom", "txt2img", "a fox", "--steps", "1", "--size", "64x64", "-o", str(tmp_path), *map(str, flags)],
                              capture_output=True, text=True, timeout=200)

    base = tmp_path / "base"
    (base / "models/checkpoints").mkdir(parents=True)
    none = fox("--server", own("--no-demonstration-models").url)
    assert none.returncode == 3 and "there is no checkpoint" in none.stderr and "models list" in none.stderr
    fresh = fox("--base-directory", base)
    assert fresh.returncode == 0 and "model darkroom-demo.safetensors, a demonstration" in fresh.stderr, fresh.stderr
    (base / "models/checkpoints/only.safetensors").symlink_to(GOLDEN_MODELS / "checkpoints/tiny_sd15.safetensors")
    here = fox("--base-directory", base)
    assert here.returncode == 0 and "model only.safetensors\n" in here.stderr, here.stderr
    names = [name for name in pictures.json("/models/checkpoints") if name != "darkroom-demo.safetensors"]
    there = fox("--server", pictures.url)
    assert f"model {names[0]}, the first of {len(names)}" in there.stderr, there.stderr
    wrong = fox("--server", pictures.url, "--model", "missing.safetensors")
    assert wrong.returncode == 3 and "ckpt_name: 'missing.safetensors' not in" in wrong.stderr, wrong.stderr


def on_a_terminal(command, **environment):
    """Standard error of a command that believes in a terminal of 100 columns and 40 rows."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env={**os.environ, "TMUX": "", "TERM_PROGRAM": "", **environment})
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(60) == 0, shown[-2000:]
    return shown


def test_the_terminal_shows_what_it_can(pictures, tmp_path):
    def fox(*flags, **environment):
        return on_a_terminal([str(BIN / "darkroom"), "txt2img", "a fox", "--model", "tiny_sd15.safetensors", "--steps", "3", "--size", "64x64", "-o", str(tmp_path), *flags], **environment)

    here, there = ["--base-directory", str(pictures.base)], ["--server", pictures.url]
    blocks = fox(*here, TERM="xterm-256color", COLORTERM="truecolor")
    assert re.search(rb"(\x1b\[38;2;\d+;\d+;\d+m\x1b\[48;2;\d+;\d+;\d+m\xe2\x96\x80){8,40}\x1b\[0m", blocks), "rows of half blocks"
    kitty = fox(*there, TERM="xterm-kitty")
    first = re.search(rb"\x1b_Ga=T,f=100,i=1,q=2,C=1,r=20,m=[01];([A-Za-z0-9+/=]+)\x1b", kitty)
    assert first and base64.b64decode(first[1][:8]).startswith(b"\x89PNG")
    iterm = fox(*there, TERM="xterm-256color", TERM_PROGRAM="iTerm.app")
    picture = re.search(rb"\x1b\]1337;File=inline=1;width=40;height=20;preserveAspectRatio=1:([A-Za-z0-9+/=]+)\a", iterm)
    assert Image.open(io.BytesIO(base64.b64decode(picture[1]))).format == "JPEG"
    plain = fox(*there, "--no-preview", TERM="xterm-kitty") + fox(*there, TERM="xterm", COLORTERM="")
    assert b"\x1b_G" not in plain and b"\x1b[38;2" not in plain and b"KSampler" in plain


def test_the_workflow_to_start_with(pictures, tmp_path):
    done = subprocess.run([BIN / "darkroom", "run", ROOT / "workflows/start.json", "-o", tmp_path, "--base-directory", pictures.base, "--set", "Sample.steps=2"],
                          capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert Image.open(done.stdout.strip()).size == (128, 128)
