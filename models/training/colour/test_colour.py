"""The colouriser's training on pictures made here: seconds on two cores.

    ~/.cache/darkroom/venv-*/bin/python -m pytest models/training/colour
"""
import io
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent), str(here.parents[2] / "tests/data/restore")]
import batches
import export
import prepare
import reference
import train
from batches import Pictures
from lab import lab_to_rgb, rgb_to_lab
from loss import ColorClasses
from network import DDColor, Shape

SMALL = Shape(depths=(1, 1, 2, 1), channels=(16, 24, 32, 48), maps=(32, 24, 16), last=8, hidden=32, feed=48, queries=10, layers=4)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(batches, "PIXELS", 8 * 64 * 64)
    monkeypatch.setattr(batches, "SMALL", (64,))
    monkeypatch.setattr(batches, "LARGE", (64,))
    monkeypatch.setattr(train, "WARM", 10)


def made_pictures(path, striped):
    """Four pictures whose colours follow from what is to be seen: a smooth half is blue, a rough one green, and where some is `striped`, that is red."""
    random = torch.Generator().manual_seed(7)
    made = {}
    for i in range(4):
        l = torch.full((1, 3, 96, 128), 60.0 + 5 * i)
        l[:, 0, 48:] += 15 * torch.randn(48, 128, generator=random)
        l[:, 1:, :48] = torch.tensor([0.0, -30.0]).view(1, 2, 1, 1)
        l[:, 1:, 48:] = torch.tensor([-30.0, 30.0]).view(1, 2, 1, 1)
        if striped:
            l[:, 0, 24:72, 64:] = 60.0 + 5 * i + 20 * torch.sin(1.2 * torch.arange(64))
            l[:, 1:, 24:72, 64:] = torch.tensor([40.0, 20.0]).view(1, 2, 1, 1)
        made[f"train/{i:03d}"] = (lab_to_rgb(l)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).contiguous()
    save_file(made, path)
    return Pictures(path)


@pytest.fixture
def pictures(tmp_path, small_batches):
    return made_pictures(tmp_path / "pictures.safetensors", striped=False)


def training_of(pictures, rate=train.RATE):
    classes = ColorClasses(pictures)
    return train.ColorTraining(Shape(**{**SMALL.__dict__, "classes": classes.count}), 3, classes, rate)


def trained(pictures, steps, of, checkpoint=None, rate=train.RATE):
    going_on = checkpoint and checkpoint.exists()
    training = train.ColorTraining.load(checkpoint, ColorClasses(pictures)) if going_on else training_of(pictures, rate)
    far = []
    while training.step < steps:
        batch = pictures.batch(training.seed, training.step, training.step / of)
        far.append(training.advance(batch, of)["far"].item())
    if checkpoint:
        training.save(checkpoint)
    return training, far


def test_a_few_pictures_are_learnt_by_heart(pictures):
    _, far = trained(pictures, 120, 120)
    assert sum(far[-10:]) < 0.5 * sum(far[:10])


def test_a_and_b_are_two_colours(tmp_path, small_batches):
    """Three colours don't lie on one line, and queries that have grown alike give nothing else."""
    pictures = made_pictures(tmp_path / "pictures.safetensors", striped=True)
    training, far = trained(pictures, 120, 120, rate=2e-3)
    with torch.no_grad():
        *_, vectors = training.network.eval()(pictures.batch(1, 0, 0.1)[0])
    assert torch.nn.functional.cosine_similarity(vectors[:, 0], vectors[:, 1], dim=1).abs().max() < 0.5
    assert sum(far[-10:]) < 0.5 * sum(far[:10]), "with ALIKE = 0 it is 0.74"


def test_the_color_decoder_learns_at_a_tenth_of_the_rate(pictures):
    training, _ = trained(pictures, 3, 100)
    queries = {id(p) for p in training.network.decoder.color_decoder.parameters()}
    rates = {calm: {group["lr"] for group in training.optimiser.param_groups for p in group["params"] if (id(p) in queries) == calm} for calm in (True, False)}
    (calm,), (full,) = rates[True], rates[False]
    assert calm == pytest.approx(0.1 * full)
    assert sum(len(group["params"]) for group in training.optimiser.param_groups) == len(list(training.network.parameters()))


def test_norms_stand_still_once_squares_are_large(pictures):
    training = training_of(pictures)
    seen = lambda: training.network.decoder.layers[0].bn.running_mean.clone()
    found = []
    for step in range(4):
        found.append(seen())
        training.advance(pictures.batch(3, step, step / 4), 4)
    found.append(seen())
    assert [torch.equal(before, after) for before, after in zip(found, found[1:])] == [False, False, True, True]


def test_modules_that_are_named_begin_anew(pictures, tmp_path):
    before, _ = trained(pictures, 5, 5)
    path = tmp_path / "small.safetensors"
    export.write(before.average.weights, path)
    training = training_of(pictures)
    began = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.start_from(path, ["decoder.color_decoder"])
    of = lambda weights, part: torch.cat([weights[name].flatten() for name in began if part in name])
    now = training.network.state_dict()
    assert torch.equal(of(now, ".color_decoder."), of(began, ".color_decoder."))
    torch.testing.assert_close(of(now, "encoder."), of(before.average.weights, "encoder."), atol=1e-3, rtol=1e-3)
    assert not torch.equal(of(now, "encoder."), of(began, "encoder."))
    with pytest.raises(SystemExit, match="has no module decoder.colour"):
        training.start_from(path, ["decoder.colour"])


def test_photographs_with_leaves_come_more_often(tmp_path, small_batches):
    paint = lambda rgb: torch.tensor(rgb, dtype=torch.uint8).expand(64, 64, 3).contiguous()
    partly = paint((150, 150, 150)).clone()
    partly[:10] = paint((40, 120, 40))[:10]
    save_file({"train/000": paint((150, 150, 150)), "train/001": paint((40, 120, 40)), "train/002": partly}, tmp_path / "pictures.safetensors")
    pictures = Pictures(tmp_path / "pictures.safetensors")
    draw = batches.Draw(1, 1)
    found = [pictures.photograph(draw) for _ in range(4000)]
    share = [sum(one is levels for one in found) / 4000 for levels in pictures.photographs]
    often = [1, 5, 1 + 4 * (10 / 64) / 0.3]
    assert share == pytest.approx([one / sum(often) for one in often], abs=0.03)


def test_a_part_goes_on_where_the_last_one_stopped(pictures, tmp_path):
    whole, _ = trained(pictures, 4, 4)
    path = tmp_path / "checkpoint.pt"
    trained(pictures, 2, 4, path)
    parts, _ = trained(pictures, 4, 4, path)
    assert parts.step == 4
    for name, value in whole.average.weights.items():
        torch.testing.assert_close(parts.average.weights[name], value)


def test_a_checkpoint_of_other_classes_is_refused(pictures, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    trained(pictures, 1, 4, path)
    classes = ColorClasses(pictures)
    monkeypatch.setattr(classes, "count", classes.count + 1)
    with pytest.raises(SystemExit, match="classes of colours"):
        train.ColorTraining.load(path, classes)


def test_what_is_exported_gives_the_same_colours_in_the_reference(pictures, tmp_path):
    training, _ = trained(pictures, 20, 20)
    network = DDColor(SMALL).eval()
    network.load_state_dict(training.average.weights, strict=False)
    path = tmp_path / "small.safetensors"
    export.write(training.average.weights, path)
    with safe_open(path, "pt") as file:
        assert file.metadata()["modelspec.resolution"] == f"{export.NATIVE}x{export.NATIVE}"
    grey = torch.rand(1, 3, 96, 64)
    with torch.no_grad():
        ab, *_ = network(grey)
        of_file, _ = reference.ddcolor({name: value.float() for name, value in load_file(path).items()}, grey)
        read_back, *_ = export.network_of(export.read(path))(grey)
    assert ab.std() > 0.5
    torch.testing.assert_close(of_file, ab, atol=0.1, rtol=0)
    torch.testing.assert_close(read_back, of_file, atol=1e-3, rtol=0)


def test_saturation_multiplies_the_colours(pictures, tmp_path):
    training, _ = trained(pictures, 5, 5)
    grey = torch.rand(1, 3, 64, 64)
    found = []
    for factor in (1.0, 1.5):
        path = tmp_path / f"{factor}.safetensors"
        export.write(training.average.weights, path, factor)
        with torch.no_grad():
            found.append(export.network_of(export.read(path))(grey)[0])
    torch.testing.assert_close(found[1], 1.5 * found[0], atol=0.02, rtol=1e-2)


def test_a_batch_depends_on_seed_and_number_alone(pictures):
    grey, wanted = pictures.batch(1, 5, 0.2)
    again, _ = pictures.batch(1, 5, 0.2)
    other, _ = pictures.batch(1, 6, 0.2)
    assert grey.shape == (8, 3, 64, 64) and wanted.shape == (8, 2, 64, 64)
    assert torch.equal(grey, again) and not torch.equal(grey, other)
    assert torch.equal(grey[:, 0], grey[:, 1]) and grey.min() >= 0 and grey.max() <= 1


def test_a_landscape_is_there_as_a_whole_and_in_parts():
    image = Image.new("RGB", (1200, 902), (0, 0, 200))
    image.paste((0, 200, 0), (0, 601, 400, 902))  # the lower left one of three times three
    data = io.BytesIO()
    image.save(data, "PNG")
    whole, *parts = prepare.pictures_of(data.getvalue(), 0, "train", 3)
    assert whole.shape == (337, 448, 3) and len(parts) == 9
    assert all(max(part.shape) == 400 for part in parts)
    green = [i for i, part in enumerate(parts) if (part == (0, 200, 0)).all()]
    assert green == [6] and sum((part == (0, 0, 200)).all() for part in parts) == 8
    assert len(list(prepare.pictures_of(data.getvalue(), 0, "train", 1))) == 1


def test_lab_there_and_back(pictures):
    rgb = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-4, rtol=0)
    white = rgb_to_lab(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([100.0, 0.0, 0.0]), atol=1e-3, rtol=0)
