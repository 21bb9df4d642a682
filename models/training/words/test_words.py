"""The words model's training on things made here: seconds on two cores.

    ~/.cache/darkroom/venv-*/bin/python -m pytest models/training/words
"""
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
import export
import muon
import prepare
import train
import train_vae
from captions import UNKNOWN, Captions
from diffusion import KEPT, noised, noises_of, sample, sigmas_of, weights
from network import CrossAttention, Shape, Vae
from tokens import END, START, prompt, tokens

NARROW = dict(vae=(32, 32), unet=(32, 32, 64), text=64, layers=1)
NAMES = [{"base": i, "style": "flat", "name": name, "names": [], "words": ["thing", "round"], "kind": "Objects", "weight": 1.0} for i, name in enumerate(("red apple", "blue ball", "green tree"))]


def test_tokens_are_those_of_clip():
    # As transformers' CLIPTokenizer gives them.
    assert tokens("a red apple") == [320, 736, 3055]
    assert tokens("A Photo of an astronaut riding a horse!") == [320, 1125, 539, 550, 18376, 6765, 320, 4558, 256]
    assert prompt("a cat")[:4] == [START, 320, 2368, END] and len(prompt("a cat " * 90)) == 77


def test_every_token_of_a_caption_has_a_row_and_no_other():
    captions = Captions(NAMES)
    draw = torch.Generator().manual_seed(1)
    for _ in range(200):
        rows = captions.rows_of(captions.of(NAMES[:1 + int(torch.randint(2, (), generator=draw))], draw))
        assert (rows != UNKNOWN).all() and rows.max() < captions.count
    assert captions.rows_of("a zeppelin")[2] == UNKNOWN


def test_captions_name_what_is_seen():
    captions, draw = Captions(NAMES), torch.Generator().manual_seed(1)
    said = [captions.of([NAMES[0]], draw) for _ in range(300)]
    assert sum("red apple" in text for text in said) > 250
    assert any(text.endswith(", flat") for text in said) and not any("3d" in text for text in said)


def test_noise_is_added_by_sd1s_schedule():
    assert KEPT[0].item() == pytest.approx(1 - 0.00085) and KEPT[999].item() == pytest.approx(0.00466, abs=1e-5)
    latents, noise, t = torch.randn(3, 4, 2, 2), torch.randn(3, 4, 2, 2), torch.tensor([0, 500, 999])
    x = noised(latents, noise, t)
    torch.testing.assert_close(x[1], KEPT[500].sqrt() * latents[1] + (1 - KEPT[500]).sqrt() * noise[1])
    assert weights(t)[2] == 25 and 1 < weights(t)[1] < 10 and weights(t)[0] < 0.01


def test_the_sampler_begins_and_steps_as_ksampler_does():
    # What ComfyUI's "normal" gives for SD1.x and four steps.
    assert sigmas_of(4).tolist() == pytest.approx([14.6146, 2.9183, 0.9324, 0.0292, 0], abs=1e-3)
    both = noises_of([7, 8], 2)
    assert torch.equal(both[1], torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(8))[0])


def test_a_sampler_with_the_true_noise_finds_the_latent():
    latent = torch.randn(1, 4, 4, 4)
    true = lambda x, t, text: (x - KEPT[t[0]].sqrt() * latent) / (1 - KEPT[t[0]]).sqrt()
    found = sample(true, torch.zeros(1, 77, 8), torch.zeros(1, 77, 8), torch.randn(1, 4, 4, 4), steps=5)
    torch.testing.assert_close(found, latent, atol=1e-3, rtol=0)


def test_the_right_word_helps_and_a_wrong_one_harms(monkeypatch):
    monkeypatch.setattr(train, "WARM", 10)
    monkeypatch.setattr(train, "RATE", 2e-3)
    names = [{**NAMES[0], "name": word} for word in "apple ball cat dog egg fish goat hat".split()]
    captions, draw = Captions(names), torch.Generator().manual_seed(1)
    training = train.WordsTraining(Shape(rows=captions.count, **NARROW), captions.rows, 1)
    latents, rows = torch.randn(8, 4, 4, 4, generator=draw), torch.stack([captions.rows_of(entry["name"]) for entry in names])
    for _ in range(220):
        chosen = torch.randint(8, (24,), generator=draw)
        training.advance((latents[chosen], rows[chosen], torch.randint(1000, (24,), generator=draw), torch.randn(24, 4, 4, 4, generator=draw)), 220)

    def error(text):
        found = 0.0
        for _ in range(6):
            noise, t = torch.randn(8, 4, 4, 4, generator=draw), torch.randint(300, 900, (8,), generator=draw)
            found += (training.unet(noised(latents, noise, t), t, text) - noise).pow(2).mean().item()
        return found

    with torch.no_grad():
        text = training.text(rows)
        assert error(text) < 0.8 * error(text.roll(3, 0))


def test_noises_of_one_picture_share_its_words():
    attention, x, text = CrossAttention(64, 32), torch.randn(6, 5, 64), torch.randn(2, 7, 32)
    torch.testing.assert_close(attention(x, text), attention(x, text.repeat_interleave(3, 0)))


@pytest.mark.parametrize("sides", [(3, 24, 80), (2, 80, 24), (1, 32, 32)])
def test_muon_turns_and_does_not_stretch(sides):
    before = torch.linalg.svd(torch.randn(*sides, generator=torch.Generator().manual_seed(1)), full_matrices=False)
    after = torch.linalg.svdvals(muon.orthogonal(before.U @ torch.diag_embed(before.S.clamp_min(0.1 * before.S.max())) @ before.Vh))
    assert after.min() > 0.5 and after.max() < 1.3


def test_muon_leaves_tables_and_thin_layers_to_adam():
    layers = torch.nn.ModuleList([torch.nn.Embedding(50, 16), torch.nn.Conv2d(4, 16, 3), torch.nn.Conv2d(16, 32, 3), torch.nn.Linear(32, 16)])
    turned, others = (group["params"] for group in muon.of_network(layers, 1e-3).param_groups)
    assert [tuple(one.shape) for one in turned] == [(32, 16, 3, 3), (16, 32)] and len(others) == 5


def test_the_decoder_learns_alone():
    training = train_vae.VaeTraining(1)
    training.keep_encoder()
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.advance(torch.rand(1, 3, 16, 16) * 2 - 1, 10)
    for name, value in training.network.state_dict().items():
        if name.endswith("weight") and "norm" not in name:
            assert torch.equal(value, before[name]) == name.startswith(("encoder.", "quant_conv.")), name


def test_a_part_goes_on_where_the_last_one_stopped(tmp_path):
    captions = Captions(NAMES)
    shape = Shape(rows=captions.count, **NARROW)

    def advance(training, until):
        while training.step < until:
            draw = torch.Generator().manual_seed(training.step)
            training.advance((torch.randn(4, 4, 8, 8, generator=draw), captions.batch(["red apple"] * 4, draw), torch.randint(1000, (4,), generator=draw), torch.randn(4, 4, 8, 8, generator=draw)), 4)
        return training

    whole = advance(train.WordsTraining(shape, captions.rows, 2), 4)
    advance(train.WordsTraining(shape, captions.rows, 2), 2).save(tmp_path / "words.pt")
    parts = advance(train.WordsTraining.load(tmp_path / "words.pt"), 4)
    for name, value in whole.average.weights.items():
        torch.testing.assert_close(parts.average.weights[name], value)


def test_an_exported_model_can_be_trained_on(tmp_path):
    captions = Captions(NAMES)
    training, vae = train.WordsTraining(Shape(rows=captions.count, **NARROW), captions.rows, 1), Vae(Shape(**NARROW))
    parts = {"vae": vae.state_dict(), "text": training.text.state_dict(), "unet": training.unet.state_dict()}
    export.write(parts, captions.rows, tmp_path / "model.safetensors")
    training.start_from(tmp_path / "model.safetensors")
    vae.load_state_dict(export.part_of(load_file(tmp_path / "model.safetensors"), "vae"))
    for name, value in training.text.state_dict().items():
        torch.testing.assert_close(value, value.half().float())


def test_colours_are_turned_and_heads_covered():
    image = Image.new("RGBA", (128, 128), (255, 255, 255, 0))
    image.paste((200, 30, 30, 255), (20, 20, 108, 108))
    hue = prepare.main_hue(image)
    assert abs(hue - 0) < 0.03 or abs(hue - 1) < 0.03
    green = prepare.turned(image, 0.33).getpixel((64, 64))
    assert green[1] > 150 and green[0] < 60
    grey = Image.new("RGBA", (128, 128), (128, 128, 128, 255))
    assert prepare.main_hue(grey) is None
    worn = prepare.wearing(image, Image.new("RGBA", (128, 128), (0, 0, 255, 255)), 0.5, 0.0)
    assert worn.getpixel((64, 3))[2] > 200 and worn.getpixel((64, 110))[0] > 150


def test_names_are_plain_words():
    assert prepare.cleaned("SÃO_TOMÉ-Príncipe (flag)") == "sao tome principe flag"
