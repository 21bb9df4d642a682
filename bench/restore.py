"""Restoration of photographs: Darkroom beside the reference implementations in PyTorch and beside ncnn, in one interleaved run.

usage: restore.py [--only WORD] [--rounds N] [--threads N] [--peers pytorch,ncnn] [--short] [--note TEXT] [--out FILE.json]

Each case is a network on parts of tests/data/restore/photos (or on all of a photograph, with what comes before and after: "a photo"). A side is a
process with the network packed once; the sides take turns, photograph by photograph, so that what else the machine does falls on all of them.
The first pass warms up and its results are compared; a side's time is the least of the later passes, the mean over the photographs.

  darkroom         in the precision that `darkroom serve` takes by itself
  darkroom, fp32   where that is another one
  pytorch, bf16    spandrel's network (in plain PyTorch what it lacks) in bf16 where the processor multiplies it, and "pytorch, fp32"; both in
                   channels-last memory, in inference mode
  ncnn             networks of its form, by its own runtime on the processor, float32

Decibels: PSNR against PyTorch in float32; of the picture in 0..1 for upscalers, of the final 8-bit picture for colourised photographs. Memory: the
peak of the side's process from its start, reading the weights included. At the end: which musts are met on this machine.
--short: one pass, the quick cases. --note: what else the machine did, kept in the JSON.
"""
import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

import plot
from environment import environment
from sides import weights
from turns import Runner, decibels, machine

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESTORE = ROOT / "tests/data/restore"
PHOTOS = RESTORE / "photos"
MODELS = weights.CACHE.parent / "models/upscale_models"
RANDOM = pathlib.Path(os.environ.get("DARKROOM_RESTORE_MODELS", weights.CACHE.parent / "models-test/restore"))
SIDE = 512  # of DDColor's square
PICTURES = ("old_migrant_mother.jpg", "colour_astronaut.jpg")
NAFNET = {"width": 32, "enc": (2, 2, 4, 8), "mid": 12, "dec": (2, 2, 2, 2)}  # of its denoiser for photographs


@dataclasses.dataclass
class Case:
    name: str
    kind: str                  # of bench/restore.cpp
    model: pathlib.Path
    size: int = 256            # of the part of a photograph, pixels a side
    photos: tuple = PICTURES
    ncnn: bool = False
    slow: bool = False

    def inputs(self):
        """float32 in 0..1: [H,W,3], or the grey square [3,S,S] that DDColor's network sees."""
        for name in self.photos:
            picture = Image.open(PHOTOS / name).convert("RGB")
            if self.kind == "colors":
                grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32) / 255
                yield np.ascontiguousarray(np.broadcast_to(grey, (3, SIDE, SIDE)))
            elif self.kind == "photo":
                yield np.asarray(picture, np.float32) / 255
            else:
                left, top = (picture.width - self.size) // 2, (picture.height - self.size) // 2
                yield np.asarray(picture.crop((left, top, left + self.size, top + self.size)), np.float32) / 255

    def psnr(self, result, reference):
        if self.kind == "colors":
            return decibels(result.astype(float), reference.astype(float), float(abs(reference).max()))
        if self.kind == "photo":
            return decibels(np.rint(result.astype(float) * 255), np.rint(reference.astype(float) * 255), 255)
        return decibels(result.astype(float).clip(0, 1), reference.astype(float).clip(0, 1), 1)


@dataclasses.dataclass
class Must:
    """What a case has to reach, beside one of its peers."""
    peer: str
    times: float
    decibels: float


MUSTS = {"upscale": Must("pytorch, bf16", 1.3, 50), "denoise": Must("pytorch, bf16", 1.3, 50), "photo": Must("pytorch, fp32", 3, 45)}


def real(name):
    return MODELS / f"{name}.param"


def random(name, folder):
    """DDColor in its published sizes, NAFNet: no registry has weights of them."""
    path = RANDOM / f"{name}.safetensors"
    if path.exists():
        return path
    sys.path.insert(0, str(RESTORE))
    import make_models
    if name == "nafnet-width32":
        path = folder / f"{name}.safetensors"
        make_models.write_safetensors(make_models.nafnet(name, **NAFNET), path)
    else:
        subprocess.run([sys.executable, RESTORE / "make_models.py", RANDOM, name], check=True, stdout=subprocess.DEVNULL)
    return path


def cases(folder):
    one = PICTURES[:1]
    yield Case("DDColor tiny, the network", "colors", random("ddcolor_tiny", folder), photos=one)
    yield Case("DDColor tiny, a photo", "photo", random("ddcolor_tiny", folder))
    yield Case("DDColor large, the network", "colors", random("ddcolor_large", folder), photos=one, slow=True)
    yield Case("DDColor large, a photo", "photo", random("ddcolor_large", folder), photos=one, slow=True)
    yield Case("realesr-animevideov3 x4", "upscale", real("realesr-animevideov3-x4"), ncnn=True)
    yield Case("realesr-animevideov3 x2", "upscale", real("realesr-animevideov3-x2"), ncnn=True)
    yield Case("Real-ESRGAN x4plus", "upscale", real("realesrgan-x4plus"), photos=one, ncnn=True, slow=True)
    yield Case("Real-ESRGAN x4plus anime", "upscale", real("realesrgan-x4plus-anime"), photos=one, ncnn=True, slow=True)
    yield Case("SRMD x2", "upscale", real("srmd_x2"), ncnn=True)
    yield Case("waifu2x photo x2", "upscale", real("waifu2x_photo_noise1_x2"), ncnn=True)
    yield Case("FFDNet", "denoise", ROOT / "models/denoise/ffdnet_color.pth", size=512)
    yield Case("NAFNet width 32", "upscale", random("nafnet-width32", folder))


# ---- one case

class Side(Runner):
    """A process, and where its results are."""

    def __init__(self, command, results, precision):
        results.mkdir()
        super().__init__([str(word) for word in command])
        self.results, self.precision = results, precision

    def result(self, number):
        return next(iter(load_file(self.results / f"{number}.safetensors").values()))


def has(flag):
    return flag in pathlib.Path("/proc/cpuinfo").read_text()


def bf16_in_hardware():
    return has("amx_bf16") or has("avx512_bf16")


def own_precision(kind):
    """What `auto` is: src/worker/device.hpp."""
    if kind in ("colors", "photo"):
        return "bf16" if bf16_in_hardware() else "fp32"
    return "bf16" if has("amx_bf16") else "fp32"


def sides_of(case, args, photos, folder, python):
    precision = own_precision(case.kind)
    sides = {}

    def add(name, command, kind, precision_now, precision_word=None):
        results = folder / name.replace(", ", "-")
        sides[name] = Side([*command, case.kind, case.model, photos, results, args.threads, precision_word or kind], results, precision_now)

    program, script = args.programs / "darkroom-bench-restore", ROOT / "bench/sides/restorers.py"
    add("darkroom", [program], "auto", precision)
    if precision != "fp32":
        add("darkroom, fp32", [program], "fp32", "fp32")
    if "pytorch" in args.peers:
        if args.bf16 or bf16_in_hardware():
            add("pytorch, bf16", [python, script, "torch"], "bf16", "bf16")
        add("pytorch, fp32", [python, script, "torch"], "fp32", "fp32")
    if "ncnn" in args.peers and case.ncnn:
        add("ncnn", [python, script, "ncnn"], "fp32", "fp32")
    return sides


def measure(case, args, python):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        inputs = list(case.inputs())
        save_file({str(number): picture for number, picture in enumerate(inputs)}, folder / "photos.safetensors")
        sides = sides_of(case, args, folder / "photos.safetensors", folder, python)
        for number in range((args.rounds + 1) * len(inputs)):
            for name, side in sides.items():
                side.runs.append(side.run())
                print(f"  {case.name}, {name}: {side.runs[-1][0]:.2f} s, processor {side.runs[-1][1]:.2f} s" + ("" if number >= len(inputs) else " (first pass)"), flush=True)
        for side in sides.values():
            side.close()
        return {"sizes": ["x".join(map(str, picture.shape)) for picture in inputs], "sides": {name: summary(case, side, sides, len(inputs)) for name, side in sides.items()}}


def summary(case, side, sides, photos):
    least = lambda what: sum(min(run[what] for run in side.runs[photos + number::photos]) for number in range(photos)) / photos
    figures = {"wall_s": least(0), "cpu_s": least(1), "peak_mb": max(run[2] for run in side.runs), "precision": side.precision}
    reference = sides.get("pytorch, fp32")
    if reference and reference is not side:
        figures["psnr_db"] = min(case.psnr(side.result(number), reference.result(number)) for number in range(photos))
    return figures


# ---- what comes out

def musts(results):
    """(what, is it met) of all cases."""
    for name, case in results.items():
        must, ours, peer = MUSTS.get(case["kind"]), case["sides"]["darkroom"], None
        if must:
            faster = must.peer if must.peer in case["sides"] else "pytorch, fp32"  # where bf16 is no gain it is not measured
            peer = case["sides"].get(faster)
        if not peer:
            continue
        times = peer["wall_s"] / ours["wall_s"]
        memory = min(side["peak_mb"] for name, side in case["sides"].items() if name.startswith("pytorch"))
        yield f"{name}: {times:.2f} times as fast as {faster} (must: {must.times:g})", times >= must.times
        yield f"{name}: {ours['psnr_db']:.1f} dB (must: {must.decibels:g})", ours["psnr_db"] >= must.decibels
        yield f"{name}: {ours['peak_mb']:,.0f} MB at peak (must: below {memory:,.0f})", ours["peak_mb"] < memory


def print_table(result):
    print(f"\n{result['machine']['cpu']}, {result['threads']} threads")
    for name, case in result["cases"].items():
        ours = case["sides"]["darkroom"]["wall_s"]
        for side, figures in case["sides"].items():
            accuracy = f"{figures['psnr_db']:.1f} dB" if "psnr_db" in figures else "the reference"
            print(f"{name:28}{side:16}{figures['wall_s']:8.2f} s{figures['wall_s'] / ours:7.2f} times ours{figures['peak_mb']:8,.0f} MB, {figures['precision']}, {accuracy}")
    for what, met in result["musts"].items():
        print(f"{'met' if met else 'MISSED':8}{what}")


class Figures:
    def __init__(self, figures):
        self.figures = figures


def draw(result, path):
    """How many times faster Darkroom is than each peer."""
    ours, theirs = {}, {}
    for name, case in result["cases"].items():
        for side, figures in case["sides"].items():
            if not side.startswith("darkroom"):
                ours[f"{name}, {side}"], theirs[f"{name}, {side}"] = case["sides"]["darkroom"]["wall_s"], figures["wall_s"]
    path.write_text(plot.bars(f"Restoration, {result['machine']['cpu']}, {result['threads']} threads: times faster than", Figures(ours), Figures(theirs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name has this word")
    parser.add_argument("--rounds", type=int, default=3, help="passes that count")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peers", default="pytorch,ncnn", help="empty for none")
    parser.add_argument("--bf16", action="store_true", help="PyTorch in bf16 also where the processor does not multiply it: there it takes six times as long")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--note", default="")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file for the figures; a plot goes beside it as .svg")
    args = parser.parse_args()
    args.rounds = 1 if args.short else args.rounds
    python, began_load = environment(), os.getloadavg()
    result = {"machine": machine(), "amx": has("amx_bf16"), "bf16_in_hardware": bf16_in_hardware(), "date": datetime.date.today().isoformat(),
              "threads": args.threads, "rounds": args.rounds, "note": args.note, "cases": {}}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(pathlib.Path(folder)):
            if args.only in case.name and not (args.short and case.slow):
                result["cases"][case.name] = {"kind": case.kind, **measure(case, args, python)}
    result["load_average"] = {"begin": began_load, "end": os.getloadavg()}
    result["musts"] = dict(musts(result["cases"]))
    print_table(result)
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")
        draw(result, args.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
