"""What a user meets by mistake: a LoRA of another family, latents that are no numbers. The job goes on, the log says so, the worker lives."""
import io
import re
import struct

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save

from harness import GOLDEN_MODELS, Server, empty_image, link_golden_models


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its log is read, so it is nobody else's."""
    base = tmp_path_factory.mktemp("odd")
    link_golden_models(base)
    with Server(base) as running:
        yield running


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def picture(lora=None):
    """One step with SD1.5, its latent saved."""
    graph = {"m": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"), "p": node("CLIPTextEncode", clip=["m", 1], text="a cat"),
             "l": node("EmptyLatentImage", width=64, height=64, batch_size=1)}
    if lora:
        graph["r"] = node("LoraLoader", model=["m", 0], clip=["m", 1], lora_name=lora, strength_model=1.0, strength_clip=1.0)
        graph["p"]["inputs"]["clip"] = ["r", 1]
    graph["k"] = node("KSampler", model=["r" if lora else "m", 0], positive=["p", 0], negative=["p", 0], latent_image=["l", 0], seed=3, steps=1, cfg=1.0, sampler_name="euler",
                      scheduler="normal", denoise=1.0)
    graph["s"] = node("SaveLatent", samples=["k", 0], filename_prefix="odd")
    return graph


def latent_of(server, entry):
    data = server.view(entry["outputs"]["s"]["latents"][0])
    size = struct.unpack("<Q", data[:8])[0]
    return data[8 + size:]


def test_a_lora_of_another_family_warns_and_counts(server):
    plain, other = server.run(picture(), 300), server.run(picture("lora_sdxl.safetensors"), 300)
    assert other["status"]["status_str"] == "success", other["status"]
    said = re.search(r"lora_sdxl\.safetensors: (\d+) of (\d+) keys fit neither the model nor the text encoder", server.log_text())
    assert said, server.log_text()[-2000:]
    with safe_open(GOLDEN_MODELS / "loras/lora_sdxl.safetensors", "np") as file:
        keys = {re.sub(r"\.(lora_(up|down)\.weight|alpha)$", "", name) for name in file.keys()}
    assert int(said[2]) == len(keys) and 0 < int(said[1]) <= len(keys)
    if int(said[1]) == len(keys):
        assert latent_of(server, plain) == latent_of(server, other), "nothing is changed"


def test_latents_that_are_no_numbers_give_a_black_picture(server):
    latent = np.full((1, 4, 8, 8), np.nan, np.float32)
    (server.base / "input").mkdir(exist_ok=True)
    (server.base / "input/nan.latent").write_bytes(save({"latent_tensor": latent, "latent_format_version_0": np.zeros(0, np.float32)}))
    graph = picture()
    graph["l"] = node("LoadLatent", latent="nan.latent")
    graph["v"] = node("VAEDecode", samples=["k", 0], vae=["m", 2])
    graph["i"] = node("SaveImage", images=["v", 0], filename_prefix="nan")
    done = server.run(graph, 300)
    assert done["status"]["status_str"] == "success", done["status"]
    shown = np.asarray(Image.open(io.BytesIO(server.view(done["outputs"]["i"]["images"][0]))))
    assert shown.shape == (64, 64, 3) and not shown.any()
    assert server.run(empty_image("after"))["status"]["status_str"] == "success"
