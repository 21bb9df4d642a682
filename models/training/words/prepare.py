#!/usr/bin/env python3
"""Takes the emoji and their words out of their packages: ~/.cache/darkroom/training/words/pictures.safetensors and names.json.

`pictures`: uint8 [N,SIDE,SIDE,3] on white. names.json: for each of them `name`, `names` (others it goes by), `words` (what belongs to it),
`style`, `kind`, `weight` (how often it is shown), and `base`, which is the same for all pictures of one emoji. Skin tones are left out.

Beside the packages' own pictures there are changed ones, so that words can be put together which no emoji is named after: in another colour,
and animals with something on their heads.
"""
import colorsys
import io
import json
import re
import sys
import tarfile
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from sources import CACHE
from words.packages import FLUENT, GOOGLE, WORDS

FOLDER = CACHE / "words"
PICTURES, NAMES = FOLDER / "pictures.safetensors", FOLDER / "names.json"
SIDE = 128
WEIGHTS = {"Flags": 0.03, "Symbols": 0.25, "People & Body": 0.25, "Component": 0.2, "Animals & Nature": 2.0, "Food & Drink": 2.0}
COLORS = {"red": 0.0, "orange": 0.075, "yellow": 0.14, "green": 0.33, "blue": 0.6, "purple": 0.77, "pink": 0.92}  # hues
COLORED = {"Food & Drink", "Animals & Nature", "Objects", "Travel & Places", "Activities"}
WORN = {"a hat": ("top hat", 0.62, -0.02), "a crown": ("crown", 0.5, 0.0), "a cap": ("billed cap", 0.6, 0.0), "glasses": ("sunglasses", 0.62, 0.3)}
BAREHEADED = {"cat"}  # a cat with a hat is for the model to find
CHANGED = 0.12  # weight of a changed picture, of its own one's


def cleaned(name):
    plain = unicodedata.normalize("NFKD", name.replace("’", "'")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"\s+", " ", re.sub(r"[^a-z0-9']", " ", plain)).strip()


def listed():
    """What emoji.json and emojilib say of each emoji."""
    words = json.loads(WORDS.read(["dist/emoji-en-US.json"])["dist/emoji-en-US.json"])
    for entry in json.loads(GOOGLE.read(["emoji.json"])["emoji.json"]):
        if not entry["has_img_google"] or entry["category"] == "Component":
            continue
        character = "".join(chr(int(code, 16)) for code in entry["unified"].split("-"))
        name = cleaned(entry["name"])
        names = [cleaned(one) for one in entry["short_names"]]
        found = [cleaned(one) for one in words.get(character, words.get(character.replace("\ufe0f", ""), []))]
        if entry["category"] == "Flags" and names[0].startswith("flag "):
            names = [f"flag of {name.removesuffix(' flag')}"]
        yield {"code": entry["unified"].lower(), "image": entry["image"], "name": name, "names": sorted({*names} - {name}), "words": [w for w in found if w and w not in (name, *names)],
               "kind": entry["category"], "weight": WEIGHTS.get(entry["category"], 1.0)}


def members(package, wanted):
    """Like package.read, but leaves out what is missing."""
    with tarfile.open(package.archive()) as archive:
        return {path: archive.extractfile(member).read() for member in archive if (path := member.name.partition("/")[2]) in wanted}


def opened(data):
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    return image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def on_white(image):
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def main_hue(image):
    """The hue that most of what has a colour is near to, or None where little has one, or is dark: brown is no orange."""
    rgba = np.asarray(image).astype(np.float32) / 255
    seen = rgba[rgba[..., 3] > 0.5][:, :3]
    if len(seen) < 200:
        return None
    hsv = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in seen[::7]])
    strong = hsv[(hsv[:, 1] > 0.35) & (hsv[:, 2] > 0.25)]
    if len(strong) < 0.45 * len(hsv) or np.median(strong[:, 2]) < 0.6:
        return None
    counts = np.histogram(strong[:, 0], bins=36, range=(0, 1))[0]
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    if smooth.max() < 0.5 * len(strong):  # of many colours: none of them is its own
        return None
    return (smooth.argmax() + 0.5) / 36


def turned(image, hue):
    """All hues turned by `hue` in 0..1."""
    alpha = image.getchannel("A")
    h, s, v = image.convert("RGB").convert("HSV").split()
    h = Image.fromarray(((np.asarray(h).astype(int) + round(hue * 255)) % 256).astype(np.uint8))
    out = Image.merge("HSV", (h, s, v)).convert("RGB").convert("RGBA")
    out.putalpha(alpha)
    return out


def wearing(image, thing, size, down):
    """`thing` on the head of what the image shows: `size` of its width, `down` of its height below its upper edge."""
    box = image.getbbox()
    width = max(8, int((box[2] - box[0]) * size))
    worn = thing.crop(thing.getbbox())
    worn = worn.resize((width, max(8, worn.height * width // worn.width)), Image.Resampling.LANCZOS)
    room = max(0, worn.height - int(worn.height * 0.35) - box[1]) if down < 0.2 else 0  # what it wears needs room above
    scale = SIDE / (SIDE + room)
    small = image.resize((int(SIDE * scale), int(SIDE * scale)), Image.Resampling.LANCZOS)
    worn = worn.resize((max(6, int(worn.width * scale)), max(6, int(worn.height * scale))), Image.Resampling.LANCZOS)
    out = Image.new("RGBA", (SIDE, SIDE), (255, 255, 255, 0))
    left = (SIDE - small.width) // 2
    out.alpha_composite(small, (left, SIDE - small.height))
    box = out.getbbox()
    top = box[1] + int((box[3] - box[1]) * down) - (int(worn.height * 0.65) if down < 0.2 else 0)
    out.alpha_composite(worn, ((box[0] + box[2] - worn.width) // 2, max(0, top)))
    return out


def main():
    entries = list(listed())
    pictures, names = [], []
    images = {}  # style, base -> image

    def add(image, entry, base, style, **other):
        pictures.append(on_white(image))
        names.append({"base": base, "style": style, **{key: entry[key] for key in ("name", "names", "words", "kind", "weight")}, **other})

    google = members(GOOGLE, {f"img/google/64/{entry['image']}" for entry in entries})
    fluent = members(FLUENT, {f"assets/{code}.webp" for entry in entries for code in (entry["code"], entry["code"].replace("-fe0f", ""))})
    for base, entry in enumerate(entries):
        for style, data in (("flat", google.get(f"img/google/64/{entry['image']}")), ("3d", fluent.get(f"assets/{entry['code']}.webp") or fluent.get(f"assets/{entry['code'].replace('-fe0f', '')}.webp"))):
            if data:
                images[style, base] = opened(data)
                add(images[style, base], entry, base, style)
    of_packages = len(pictures)

    named = {entry["name"]: base for base, entry in enumerate(entries)}
    for (style, base), image in list(images.items()):
        entry = entries[base]
        weight = entry["weight"] * CHANGED
        hue = main_hue(image) if entry["kind"] in COLORED else None
        if hue is not None:
            own = min(COLORS, key=lambda color: min(abs(COLORS[color] - hue), 1 - abs(COLORS[color] - hue)))
            plain = re.sub(rf"\b({'|'.join(COLORS)})\b", "", entry["name"]).strip()
            simple = [one for one in entry["names"] if not any(color in one.split() for color in COLORS)]
            for color, wanted in COLORS.items():
                changed = image if color == own else turned(image, (wanted - hue) % 1)
                if plain:
                    add(changed, entry, base, style, name=f"{color} {plain}", names=[f"{color} {one}" for one in simple], words=[], weight=weight)
        if entry["kind"] == "Animals & Nature" and (entry["name"].endswith("face") or entry["names"] and any(one.endswith("face") for one in entry["names"])):
            short = min((entry["name"], *entry["names"]), key=len).removesuffix(" face")
            for word, (thing, size, down) in WORN.items():
                if short not in BAREHEADED and (style, named[thing]) in images:
                    add(wearing(image, images[style, named[thing]], size, down), entry, base, style, name=f"{short} with {word}", names=[f"{short} wearing {word}"], words=[],
                        weight=4 * weight)

    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file({"pictures": np.stack(pictures)}, PICTURES)
    NAMES.write_text(json.dumps(names))
    print(f"{PICTURES}: {len(entries)} emoji, {of_packages} pictures of them, {len(pictures) - of_packages} changed ones")


if __name__ == "__main__":
    main()
