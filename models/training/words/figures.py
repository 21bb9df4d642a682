#!/usr/bin/env python3
"""Figures of the words model and contact sheets to be looked at.

    figures.py [--out FOLDER] [--steps N] [--cfg X] [--names N] [--side PIXELS] [--golden FILE.png] [MODEL.safetensors]

Without a model: that of the checkpoints. Writes figures.json, prompts.jpg (prompts.txt, line by line) and names.jpg (some of the names: the emoji, what the
model makes of its name) to FOLDER. Retrieval: a picture is made from each of N names; it counts where one of the emoji with this name is among the five nearest
of all N, by the distance of latents. `--golden` writes nothing but the pictures of prompts.txt, six in a row, each as SaveImage would: what tests hold Darkroom
against. The first seed is 7, and each picture's is one higher.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from diffusion import noises_of, sample
from export import ROWS, part_of
from network import Shape, Text, UNet, Vae
from prepare import PICTURES, SIDE
from train import CHECKPOINT, VAE, Examples
from train_vae import UNITS


class Model:
    def __init__(self, path=None):
        if path:
            tensors = load_file(path)
            parts = {part: part_of(tensors, part) for part in ("vae", "text", "unet")}
            self.rows = tensors[ROWS].long()
        else:
            kept = torch.load(CHECKPOINT, weights_only=False)
            parts = {"vae": torch.load(VAE, weights_only=False)["average"], "text": kept["text"], "unet": kept["unet"]}
            self.rows = kept["rows"]
        shape = Shape(rows=len(parts["text"]["text_model.embeddings.token_embedding.weight"]))
        self.vae, self.text, self.unet = Vae(shape).eval(), Text(shape).eval(), UNet(shape).eval()
        for network, part in ((self.vae, "vae"), (self.text, "text"), (self.unet, "unet")):
            network.load_state_dict(parts[part])

    @torch.no_grad()
    def latents(self, captions, texts, side=16, steps=20, cfg=4.0, seed=7):
        """One for each text, with seeds from `seed` on."""
        found, noises = [], noises_of(range(seed, seed + len(texts)), side)
        for i in range(0, len(texts), 20):
            rows = torch.stack([captions.rows_of(text) for text in texts[i:i + 20]])
            found.append(sample(self.unet, self.text(rows), self.text(captions.empty[None]), noises[i:i + 20], steps, cfg))
        return torch.cat(found)

    @torch.no_grad()
    def pictures(self, latents):
        """uint8 [N,H,W,3], cut off as SaveImage does."""
        found = torch.cat([self.vae.decode(some / UNITS) for some in latents.split(8)])
        return ((found + 1) * 127.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def sheet(pictures, columns, path, gap=4):
    cell = pictures.shape[1] + gap
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * cell, rows * cell), "white")
    for i, picture in enumerate(pictures):
        out.paste(Image.fromarray(picture.numpy()), (i % columns * cell, i // columns * cell))
    out.save(path, quality=90)


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--out", type=Path, default=Path("."))
    ask.add_argument("--steps", type=int, default=20)
    ask.add_argument("--cfg", type=float, default=4.0)
    ask.add_argument("--names", type=int, default=200)
    ask.add_argument("--side", type=int, default=SIDE, choices=(SIDE // 2, SIDE))
    ask.add_argument("--golden", type=Path)
    ask.add_argument("model", type=Path, nargs="?")
    asked = ask.parse_args()
    model, examples = Model(asked.model), Examples(asked.side // 8, asked.model)
    names, captions = examples.names, examples.captions
    if not torch.equal(captions.rows, model.rows):
        sys.exit("the model has another table of tokens than the captions")
    side, asked_of = asked.side // 8, dict(steps=asked.steps, cfg=asked.cfg)
    drawn = model.pictures(model.latents(captions, (here / "prompts.txt").read_text().splitlines(), side, **asked_of))
    if asked.golden:
        return sheet(drawn, 6, asked.golden, gap=0)
    asked.out.mkdir(parents=True, exist_ok=True)
    sheet(drawn, 6, asked.out / "prompts.jpg")

    own = [i for i, entry in enumerate(names) if entry["words"] and entry["kind"] != "Flags"]
    bases = sorted({names[i]["base"] for i in own})
    chosen = torch.randperm(len(bases), generator=torch.Generator().manual_seed(3))[:asked.names].tolist()
    chosen = [bases[i] for i in chosen]
    texts = [next(names[i]["name"] for i in own if names[i]["base"] == base) for base in chosen]
    made = model.latents(captions, texts, side, **asked_of)
    known = examples.latents
    shown = [i for i in own if names[i]["base"] in set(chosen)]
    pictures = load_file(PICTURES)["pictures"][[examples.shown[i] for i in shown]]
    pictures = F.avg_pool2d(pictures.permute(0, 3, 1, 2).float(), SIDE // asked.side).round().to(torch.uint8).permute(0, 2, 3, 1)
    distances = torch.cdist(made.flatten(1), known[shown].flatten(1))
    hits = {1: 0, 5: 0}
    for row, base in enumerate(chosen):
        of_base = {}
        for column, i in enumerate(shown):  # an emoji is as near as the nearer of its two pictures
            of_base[names[i]["base"]] = min(of_base.get(names[i]["base"], 1e9), distances[row, column].item())
        rank = sorted(of_base, key=of_base.get).index(base)
        for most in hits:
            hits[most] += rank < most
    decoded = model.pictures(known[shown[:64]])
    error = (decoded.float() - pictures[:64].float()).pow(2).mean().item()
    found = {"names": len(chosen), "own name among the first": hits[1] / len(chosen), "among the first five": hits[5] / len(chosen), "steps": asked.steps, "cfg": asked.cfg,
             "autoencoder, dB": round(10 * np.log10(255**2 / error), 1)}
    (asked.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    first = [next(row for row, i in enumerate(shown) if names[i]["base"] == base) for base in chosen[:40]]
    pairs = torch.stack([picture for row, made_one in zip(first, model.pictures(made[:40])) for picture in (pictures[row], made_one)])
    sheet(pairs, 10, asked.out / "names.jpg")


if __name__ == "__main__":
    main()
