"""Text to image with networks of the real sizes and random weights: Darkroom beside ComfyUI, OpenVINO and plain PyTorch.

usage: diffusion.py [--model sd15|sdxl] [--size N] [--steps N] [--rounds N] [--comfyui URL] [--peers openvino,pytorch] [--precision auto|fp32|bf16]
                    [--cold] [--short] [--no-pictures] [--no-networks] [--out FILE.json]

Two things are measured, each in turns, so that what else the machine does falls on all sides:

  whole pictures   Darkroom's server and, where --comfyui names one, ComfyUI's, timed from outside by the same code: load, encode, each step,
                   decode, and what the first picture costs before its first step, with the file in the page cache and (--cold) without.
                   Put a link to the checkpoint (the path is printed) into ComfyUI's models/checkpoints.
  networks alone   one UNet step (cond and uncond as one batch) and one decode, on the same input: Darkroom's layers, PyTorch and OpenVINO.

In the same run: the machine's own rate for large matrix products and convolutions, and the share of it that the step reaches: the sum over
kinds of operations / rate, over the step's time. Attention is held against the rate of matrix products.
Every time stands beside the PSNR of its result against float32 (of the first side that has it).
--precision auto is what `darkroom serve` takes by itself; peers then compute in bf16 where the processor has it.
--short: one round, four steps. SDXL runs its peers one at a time.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import plot
from environment import environment
from sides import weights
from sides.server import ServerSide, free_port
from turns import Runner, decibels, machine, take_turns

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIDES = ROOT / "bench/sides"
SIZES = {"sd15": 512, "sdxl": 1024}


# ---- whole pictures

def whole_pictures(model, args, base):
    checkpoints = base / "models/checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / model.checkpoint.name).symlink_to(model.checkpoint)
    sides = [ServerSide.start_darkroom(args.program, base, args.precision, free_port(), args.threads)]
    if args.comfyui:
        sides.append(ServerSide("comfyui", args.comfyui))
    figures = {side.name: {"fresh": [], "cold": [], "again": [], "peak_mb": 0} for side in sides}
    try:
        for side in sides:
            side.find_checkpoint(model.checkpoint.name)
            side.reset_peak()
        for number in range(args.rounds):
            for side in sides:
                mine = figures[side.name]
                for kind in ("fresh", "cold")[:2 if args.cold else 1]:
                    side.forget()
                    if kind == "cold":
                        mine["held_in_cache"] = weights.evict(model.checkpoint)
                    else:
                        weights.warm(model.checkpoint)
                    mine[kind].append(side.run(args.size, 2, 1000 + number))
                mine["again"].append(side.run(args.size, args.steps, number))
                mine["peak_mb"] = side.peak_mb()
                mine["picture"] = side.picture()
                print(f"{side.name} {number + 1}: step {mine['again'][-1].step:.2f} s, decode {mine['again'][-1].decode:.2f} s, before the first step {mine['fresh'][-1].overhead:.2f} s", flush=True)
                if model.name == "sdxl":
                    side.forget()  # two of them don't fit side by side
    finally:
        for side in sides:
            side.stop()
    return {name: summary(mine, args, figures) for name, mine in figures.items()}


def summary(mine, args, figures):
    middle = lambda runs, value: statistics.median(value(run) for run in runs)
    result = {
        "load_s": middle(mine["fresh"], lambda run: run.load), "encode_s": middle(mine["fresh"], lambda run: run.encode),
        "before_first_step_warm_s": middle(mine["fresh"], lambda run: run.overhead),
        "step_s": middle(mine["again"], lambda run: run.step), "decode_s": middle(mine["again"], lambda run: run.decode),
        "picture_s": middle(mine["again"], lambda run: run.total), "others_share": middle(mine["again"], lambda run: run.others(args.steps)),
        "peak_mb": mine["peak_mb"],
    }
    if mine["cold"]:
        result["before_first_step_cold_s"] = middle(mine["cold"], lambda run: run.overhead)
        result["held_in_cache"] = mine["held_in_cache"]
    if "comfyui" in figures:
        reference = figures["comfyui"]["picture"]
        result["psnr_db"] = decibels(mine["picture"], reference, 255)
    return result


# ---- networks alone

def networks_alone(model, args, python):
    results = {}
    peers = [name for name in args.peers.split(",") if name]
    for what in ("unet", "decode"):
        with tempfile.TemporaryDirectory() as folder:
            out = lambda name: os.path.join(folder, name + ".safetensors")
            inputs = model.inputs(args.size, 2)
            peers_precision = precision_of(args, "unet")
            bf16 = ["--bf16"] if precision_of(args, what) == "bf16" else []
            commands = {}
            if what == "unet":
                commands["darkroom"] = [args.programs / "darkroom-bench-unet", model.checkpoint, inputs, out("darkroom"), args.threads, *bf16]
            else:
                commands["darkroom"] = [args.programs / "darkroom-bench-vae", model.vae, "decode", inputs, args.threads, "--out", out("darkroom"), *bf16]
            common = [what, model.checkpoint, inputs]
            if "pytorch" in peers:
                commands["pytorch"] = [python, SIDES / "step.py", "torch", *common, out("pytorch"), args.threads, peers_precision]
            if "openvino" in peers:
                ir = weights.CACHE / f"{model.name}-{what}-{args.size}.xml"
                commands["openvino"] = [python, SIDES / "step.py", "openvino", *common, out("openvino"), args.threads, peers_precision, ir]
            if peers_precision == "bf16":
                commands["pytorch, fp32"] = [python, SIDES / "step.py", "torch", *common, out("pytorch, fp32"), args.threads, "fp32"]
            commands = {name: [str(word) for word in command] for name, command in commands.items()}
            tell = lambda name, run, number: print(f"{what}, {name}: {run[0]:.2f} s, processor {run[1]:.2f} s" + ("" if number else " (first)"), flush=True)
            if model.name == "sdxl":
                results[what] = {}
                for name, command in commands.items():
                    results[what] |= take_turns({name: Runner(command)}, args.rounds, tell)
            else:
                results[what] = take_turns({name: Runner(command) for name, command in commands.items()}, args.rounds, tell)
            add_accuracy(results[what], out, what)
            for name, side in results[what].items():
                side["precision"] = precision_of(args, what) if name == "darkroom" else "fp32" if "fp32" in name else peers_precision
    return results


def add_accuracy(results, out, what):
    from safetensors.numpy import load_file

    load = lambda name: next(iter(load_file(out(name)).values())).astype(float)
    reference_name = next((name for name in ("pytorch, fp32", "pytorch") if name in results), "darkroom")
    reference = load(reference_name)
    peak = 1.0 if what == "decode" else float(abs(reference).max())
    for name in results:
        if name != reference_name:
            results[name]["psnr_db"] = decibels(load(name), reference, peak)


# ---- the machine

def rates_and_share(model, args, python, step_s):
    found = json.loads(subprocess.run([python, SIDES / "rates.py", model.checkpoint, model.inputs(args.size, 2), str(args.threads), precision_of(args, "unet")],
                                      check=True, capture_output=True, text=True).stdout)
    product, convolution = max(found["rates"]["product"].values()), max(found["rates"]["convolution"].values())
    operations = found["operations"]
    least = operations["convolution"] / convolution + (operations["linear"] + operations["attention"]) / product
    return {**found, "least_step_s": least, "share": least / step_s}


def processor_has(*flags):
    return any(flag in pathlib.Path("/proc/cpuinfo").read_text() for flag in flags)


def has_bf16():
    return processor_has("amx_bf16", "avx512_bf16")


def precision_of(args, what):
    """What our side computes a step or a decode in: `auto` as src/worker/device.hpp has it."""
    if args.precision != "auto":
        return args.precision
    return "bf16" if processor_has("amx_bf16") or (has_bf16() and what == "unet") else "fp32"


# ---- what comes out

def print_table(result):
    rows = [("load", "load_s"), ("encode both texts", "encode_s"), ("before the first step, file warm", "before_first_step_warm_s"),
            ("before the first step, file cold", "before_first_step_cold_s"), ("step", "step_s"), ("decode", "decode_s"), ("a picture, model loaded", "picture_s")]
    pictures = result.get("pictures", {})
    print(f"\n{result['model']} {result['size']}x{result['size']}, {result['precision']}, {result['machine']['cpu']}, {result['threads']} threads")
    if pictures:
        print(f"{'whole pictures':34}" + "".join(f"{name:>14}" for name in pictures))
    for label, key in rows:
        if any(key in side for side in pictures.values()):
            print(f"{label:34}" + "".join(f"{side[key]:12.2f} s" if key in side else f"{'-':>14}" for side in pictures.values()))
    if pictures:
        print(f"{'all but steps and decode':34}" + "".join(f"{side['others_share'] * 100:12.1f} %" for side in pictures.values()))
        print(f"{'peak of memory':34}" + "".join(f"{side['peak_mb'] or 0:11,d} MB" for side in pictures.values()))
        print(f"{'PSNR against ComfyUI':34}" + "".join(f"{side['psnr_db']:11.1f} dB" if "psnr_db" in side else f"{'-':>14}" for side in pictures.values()))
    for what, label in (("unet", "one step alone"), ("decode", "one decode alone")):
        for name, side in result.get("networks", {}).get(what, {}).items():
            accuracy = f"{side['psnr_db']:.1f} dB" if "psnr_db" in side else "the reference"
            print(f"{label + ', ' + name:34}{side['wall_s']:12.2f} s  processor {side['cpu_s']:.2f} s, {side['peak_mb']:,.0f} MB, {side['precision']}, {accuracy}")
    if "machine_rate" in result:
        rate = result["machine_rate"]
        best = lambda kind: max(rate["rates"][kind].values()) / 1e12
        print(f"machine, {rate['precision']}: products {best('product'):.3f}, convolutions {best('convolution'):.3f}, attention {rate['rates']['attention'] / 1e12:.3f} TFLOP/s")
        print(f"a step has {sum(rate['operations'].values()) / 1e12:.3f} TFLOP; at these rates {rate['least_step_s']:.2f} s: a share of {rate['share'] * 100:.0f} %")


class Figures:
    def __init__(self, figures):
        self.figures = figures


def draw(result, path):
    """How many times faster Darkroom is than each peer."""
    ours, theirs = {}, {}
    pictures = result.get("pictures", {})
    if peer := pictures.get("comfyui"):
        mine = pictures["darkroom"]
        for label, key in (("step", "step_s"), ("decode", "decode_s"), ("a picture", "picture_s"), ("to the first step, warm", "before_first_step_warm_s"),
                           ("to the first step, cold", "before_first_step_cold_s"), ("peak memory", "peak_mb")):
            if mine.get(key) and peer.get(key):
                ours[f"{label}, ComfyUI"], theirs[f"{label}, ComfyUI"] = mine[key], peer[key]
    for what, label in (("unet", "step alone"), ("decode", "decode alone")):
        for name, side in result.get("networks", {}).get(what, {}).items():
            if name != "darkroom":
                ours[f"{label}, {name}"], theirs[f"{label}, {name}"] = result["networks"][what]["darkroom"]["wall_s"], side["wall_s"]
    title = f"{result['model']} at {result['size']}x{result['size']}, {result['precision']}, {result['machine']['cpu']}: times better than"
    path.write_text(plot.bars(title, Figures(ours), Figures(theirs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SIZES, default="sd15")
    parser.add_argument("--size", type=int)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, help="default 3, with SDXL 2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--comfyui", metavar="URL")
    parser.add_argument("--peers", default="pytorch,openvino", help="of the networks alone; empty for none")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--cold", action="store_true", help="also with the checkpoint out of the page cache")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--no-pictures", action="store_true", help="networks alone only")
    parser.add_argument("--no-networks", action="store_true", help="whole pictures only")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file for the figures; a plot goes beside it as .svg")
    args = parser.parse_args()
    args.program = args.programs / "darkroom"
    args.size = args.size or SIZES[args.model]
    args.rounds = args.rounds or (2 if args.model == "sdxl" else 3)
    if args.short:
        args.rounds, args.steps = 1, 4
    if not has_bf16() and args.precision != "bf16":
        print("this processor multiplies no bf16 in hardware: everything is measured in float32", flush=True)
    model = weights.Model(args.model)
    weights.make(model, args.size, 2)
    print(f"checkpoint: {model.checkpoint}", flush=True)
    began_load = os.getloadavg()
    result = {"machine": machine(), "bf16_in_hardware": has_bf16(), "date": datetime.date.today().isoformat(), "model": args.model, "size": args.size, "steps": args.steps,
              "rounds": args.rounds, "threads": args.threads, "precision": args.precision}
    if not args.no_pictures:
        with tempfile.TemporaryDirectory() as base:
            result["pictures"] = whole_pictures(model, args, pathlib.Path(base))
    if not args.no_networks:
        python = environment()
        result["networks"] = networks_alone(model, args, python)
        result["machine_rate"] = rates_and_share(model, args, python, result["networks"]["unet"]["darkroom"]["wall_s"])
    result["load_average"] = {"begin": began_load, "end": os.getloadavg()}
    print_table(result)
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")
        draw(result, args.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
