#!/usr/bin/env python3
"""Figures of exported weights on the held-back pictures, and contact sheets to be looked at.

    figures.py [--side S] [--out FOLDER] [--golden FOLDER] MODEL.safetensors

Writes figures.json, held.jpg (true, grey, coloured) and photos.jpg (tests/data/restore/photos: as it is, coloured) to FOLDER. Colours go the
way of Darkroom's node: a grey square of S pixels in, a and b out, enlarged beside the lightness in full size. `--golden` writes the small grey photograph and
its colours that tests hold Darkroom's own network against.
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
from export import NATIVE, network_of, read
from lab import grey_of, lab_to_rgb, rgb_to_lab
from prepare import PICTURES

PHOTOS = here.parents[2] / "tests/data/restore/photos"
GOLDEN = "old_dust_bowl_home.jpg"
CELL = 240  # pixels of a picture's longer side on a sheet


def as_batch(picture):
    """uint8 [H,W,3] -> [1,3,H,W] in 0..1."""
    return torch.tensor(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255


def colors_of(network, rgb, side):
    """rgb [1,3,H,W] -> ab [1,2,side,side]."""
    small = F.interpolate(rgb, size=(side, side), mode="bilinear", align_corners=False)
    with torch.no_grad():
        return network(grey_of(rgb_to_lab(small)[:, :1]))[0].float()


def coloured(rgb, ab):
    return lab_to_rgb(torch.cat([rgb_to_lab(rgb)[:, :1], F.interpolate(ab, size=rgb.shape[2:], mode="nearest")], 1))


def colourfulness(rgb):
    """Hasler and Suesstrunk 2003, of [1,3,H,W] in 0..1, in steps of 8 bits."""
    r, g, b = (rgb[0] * 255).unbind()
    one, two = r - g, (r + g) / 2 - b
    return (torch.hypot(one.std(), two.std()) + 0.3 * torch.hypot(one.mean(), two.mean())).item()


def mean_colors(pictures):
    """The mean a and b of each whole lightness, [101,2], over what was trained on."""
    sums, counts = torch.zeros(101, 2), torch.zeros(101)
    for picture in pictures:
        lab = rgb_to_lab(as_batch(picture))[0].flatten(1)
        row = lab[0].round().clamp(0, 100).long()
        sums.index_add_(0, row, lab[1:].t())
        counts.index_add_(0, row, torch.ones(len(row)))
    return sums / counts.clamp_min(1)[:, None]


def figures(network, held, trained, side):
    """Of each way to colour a held-back picture: mean distance in the ab plane, and colourfulness."""
    table = mean_colors(trained)
    rows = {"true": [], "grey": [], "mean of its lightness": [], "network": []}
    for picture in held:
        rgb = F.interpolate(as_batch(picture), size=(side, side), mode="bilinear", align_corners=False, antialias=True)
        lab = rgb_to_lab(rgb)
        ways = {"true": lab[:, 1:], "grey": torch.zeros_like(lab[:, 1:]), "network": colors_of(network, rgb, side),
                "mean of its lightness": table[lab[:, 0].round().clamp(0, 100).long()].permute(0, 3, 1, 2)}
        for name, ab in ways.items():
            rows[name].append(((ab - lab[:, 1:]).norm(dim=1).mean().item(), colourfulness(lab_to_rgb(torch.cat([lab[:, :1], ab], 1)))))
    return {name: {"ab error": round(float(np.mean([e for e, _ in found])), 2), "colourfulness": round(float(np.mean([c for _, c in found])), 1)} for name, found in rows.items()}


def sheet(rows, columns, path):
    """`rows` of pictures [1,3,H,W], each row a group; `columns` groups beside each other."""
    def cell(rgb):
        image = picture_of(rgb)
        image.thumbnail((CELL, CELL), Image.LANCZOS)
        return image

    groups = [[cell(rgb) for rgb in row] for row in rows]
    width = max(len(group) for group in groups) * CELL + 12
    lines = [groups[i:i + columns] for i in range(0, len(groups), columns)]
    heights = [max(image.height for group in line for image in group) + 4 for line in lines]
    out = Image.new("RGB", (columns * width, sum(heights)), "white")
    y = 0
    for line, height in zip(lines, heights):
        for i, group in enumerate(line):
            for j, image in enumerate(group):
                out.paste(image, (i * width + j * CELL, y))
        y += height
    out.save(path, quality=88)


def picture_of(rgb, rounded=np.round):
    return Image.fromarray(rounded(rgb[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8))


def write_golden(network, folder):
    """grey.png, as wide as what the network is made for, and colour.png."""
    folder.mkdir(parents=True, exist_ok=True)
    grey = Image.open(PHOTOS / GOLDEN).convert("L").convert("RGB")
    grey = grey.resize((NATIVE, round(NATIVE * grey.height / grey.width)), Image.LANCZOS)
    grey.save(folder / "grey.png")
    picture_of(coloured(as_batch(grey), colors_of(network, as_batch(grey), NATIVE)), np.floor).save(folder / "colour.png")  # as SaveImage writes it


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--side", type=int, default=NATIVE)
    ask.add_argument("--out", type=Path, default=Path("."))
    ask.add_argument("--golden", type=Path)
    ask.add_argument("model", type=Path)
    asked = ask.parse_args()
    network = network_of(read(asked.model))
    if asked.golden:
        write_golden(network, asked.golden)
    pictures = load_file(PICTURES)
    of = lambda use: [value for key, value in sorted(pictures.items()) if key.startswith(use + "/")]
    held = of("held")
    asked.out.mkdir(parents=True, exist_ok=True)
    found = {"pictures": len(held), "side": asked.side, **figures(network, held, of("train"), asked.side)}
    (asked.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    rows = []
    for picture in held:
        rgb = as_batch(picture)
        rows.append([rgb, grey_of(rgb_to_lab(rgb)[:, :1]), coloured(rgb, colors_of(network, rgb, asked.side))])
    sheet(rows, 2, asked.out / "held.jpg")
    rows = []
    for path in sorted(PHOTOS.glob("*.[jp][pn]g")):
        rgb = as_batch(Image.open(path).convert("RGB"))
        rows.append([rgb, coloured(rgb, colors_of(network, rgb, asked.side))])
    sheet(rows, 3, asked.out / "photos.jpg")


if __name__ == "__main__":
    main()
