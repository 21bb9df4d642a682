#!/usr/bin/env python3
"""Takes the pictures of pictures.tsv out of their packages: ~/.cache/darkroom/training/colour/pictures.safetensors.

Keys are `use/number`, values uint8 RGB [H,W,3] of at most SIDE pixels a side; objects have an alpha channel. A large photograph of a landscape is there as a
whole and in `pieces` times `pieces` parts, which are pictures of their own: leaves and grass from near. `use`:
train   photographs and what looks like one
object  things without surroundings, shown now and then on a plain ground
held    never trained on: the figures
"""
import csv
import io
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from colour.packages import PACKAGES
from sources import CACHE

SIDE = 448
PICTURES = CACHE / "colour/pictures.safetensors"


def listed():
    with open(here / "pictures.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def pictures_of(data, frame, use, pieces):
    """The whole picture and, where `pieces` is more than one, its parts."""
    image = Image.open(io.BytesIO(data))
    image.seek(frame)
    image = image.convert("RGBA")
    if use != "object":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    edges = lambda length: [round(i * length / pieces) for i in range(pieces + 1)]
    columns, rows = edges(image.width), edges(image.height)
    parts = [image.crop((x, y, right, lower)) for y, lower in zip(rows, rows[1:]) for x, right in zip(columns, columns[1:])] if pieces > 1 else []
    for one in (image, *parts):
        one.thumbnail((SIDE, SIDE), Image.LANCZOS)
        yield np.asarray(one)


def main():
    wanted = defaultdict(list)
    for row in listed():
        wanted[row["package"]].append(row)
    pictures, numbers = {}, defaultdict(int)
    for package in PACKAGES:
        rows = wanted.pop(package.name)
        files = package.read(row["path"] for row in rows)
        for row in rows:
            use = row["use"]
            for picture in pictures_of(files[row["path"]], int(row["frame"]), use, int(row["pieces"] or 1)):
                pictures[f"{use}/{numbers[use]:03d}"] = picture
                numbers[use] += 1
    if wanted:
        sys.exit(f"no package is named {sorted(wanted)[0]}")
    PICTURES.parent.mkdir(parents=True, exist_ok=True)
    save_file(pictures, PICTURES)
    print(f"{PICTURES}: " + ", ".join(f"{number} {use}" for use, number in sorted(numbers.items())))


if __name__ == "__main__":
    main()
