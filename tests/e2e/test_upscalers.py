"""Upscale networks of every family through the server: SRMD with its noise, waifu2x, NAFNet."""
import io

import numpy as np
import pytest
from PIL import Image

from harness import DATA, upscale

SMALL = DATA / "restore/small"  # random weights
PHOTO = DATA / "restore/photos/colour_coffee.jpg"


@pytest.fixture(scope="module")
def photo():
    with Image.open(PHOTO) as picture:
        return picture.convert("RGB").resize((480, 320), Image.Resampling.BOX)


def install(server, *names):
    folder = server.base / "models/upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for extension in (".param", ".bin", ".safetensors"):
            if (SMALL / (name + extension)).exists():
                (folder / (name + extension)).write_bytes((SMALL / (name + extension)).read_bytes())


def store(server, picture, name):
    picture.save(server.base / "input" / name)
    return name


def told(image, model, noise):
    prompt = upscale(image, model)
    prompt["3"] = {"class_type": "ImageUpscaleDenoise", "inputs": {"upscale_model": ["2", 0], "image": ["1", 0], "noise": noise}}
    return prompt


def result(server, prompt, node="4"):
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"]
    image = entry["outputs"][node]["images"][0]
    return Image.open(io.BytesIO(server.get("/view", params=image).content)).convert("RGB")


def error_of(entry):
    return next(data for name, data in entry["status"]["messages"] if name == "execution_error")


def psnr(a, b):
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return -10 * np.log10((difference ** 2).mean() / 255 ** 2)


def test_every_family_by_name(own, photo):
    server = own()
    scales = {"nafnet_deep.safetensors": 1, "upconv7_tiny.param": 2, "cunet_tiny_x1.param": 1, "cunet_tiny_x2.param": 2, "srmd_tiny.param": 4, "srmdnf_tiny.param": 2}
    install(server, *(name.split(".")[0] for name in scales))
    name = store(server, photo.crop((0, 0, 61, 47)), "odd.png")
    assert set(scales) <= set(server.json("/models/upscale_models"))
    for model, scale in scales.items():
        assert result(server, upscale(name, model)).size == (61 * scale, 47 * scale), model


def test_tiles_leave_no_trace(own, photo):
    """Of a picture wider than a tile, a part gives what it gives in the whole, but for what lies beyond its edge."""
    server = own()
    install(server, "upconv7_tiny", "srmd_tiny")
    wide = store(server, photo.resize((900, 40)), "wide.png")
    part = store(server, photo.resize((900, 40)).crop((440, 0, 560, 40)), "part.png")  # around the seam at 512
    for model, scale, border in (("upconv7_tiny.param", 2, 7), ("srmd_tiny.param", 4, 12)):
        whole = np.asarray(result(server, upscale(wide, model)))[:, (440 + border) * scale:(560 - border) * scale]
        alone = np.asarray(result(server, upscale(part, model)))[:, border * scale:-border * scale]
        assert np.abs(whole.astype(int) - alone.astype(int)).max() <= 1, model


def test_srmd_is_told_the_noise(own, photo):
    server = own()
    install(server, "srmd_tiny", "upconv7_tiny")
    inputs = server.json("/object_info/ImageUpscaleDenoise")["ImageUpscaleDenoise"]["input"]["required"]
    assert list(inputs) == ["upscale_model", "image", "noise"] and (inputs["noise"][1]["default"], inputs["noise"][1]["min"], inputs["noise"][1]["max"]) == (3, 0, 75)
    name = store(server, photo.crop((0, 0, 40, 30)), "small.png")
    pictures = [np.asarray(result(server, told(name, "srmd_tiny.param", noise))) for noise in (0, 3, 75)]
    assert (pictures[0] != pictures[2]).any()
    assert (pictures[1] == np.asarray(result(server, upscale(name, "srmd_tiny.param")))).all(), "what it takes untold"
    assert server.http.post("/prompt", json={"prompt": told(name, "srmd_tiny.param", 76)}).status_code == 400
    error = error_of(server.run(told(name, "upconv7_tiny.param", 3)))
    assert error["node_id"] == "3" and "can't be told how strong the noise is" in error["exception_message"]


@pytest.mark.parametrize("cut", ["param", "bin"])
def test_a_cut_pair_is_blamed_on_its_loader(own, photo, cut):
    server = own()
    install(server, "cunet_tiny_x2")
    file = server.base / "models/upscale_models" / ("cunet_tiny_x2." + cut)
    file.write_bytes(file.read_bytes()[:-1000])
    error = error_of(server.run(upscale(store(server, photo.crop((0, 0, 9, 9)), "tiny.png"), "cunet_tiny_x2.param")))
    assert error["node_id"] == "2" and error["exception_message"].startswith("cunet_tiny_x2." + cut)


@pytest.mark.parametrize("model, least", [("srmd_x2.param", 1.0), ("srmdnf_x2.param", 1.0), ("waifu2x_photo_x2.param", 0.5)])
def test_real_weights_beat_bicubic_interpolation(server, photo, model, least):
    """A photograph made smaller, then larger again; decibels beside bicubic interpolation."""
    # SRMD's own blur: bicubic, with antialiasing.
    small = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
    name = store(server, small, "half.png")
    prompt = told(name, model, 0) if model.startswith("srmd_") else upscale(name, model)
    gain = psnr(result(server, prompt), photo) - psnr(small.resize(photo.size, Image.Resampling.BICUBIC), photo)
    assert gain > least, f"{model}: {gain:.2f} dB"
