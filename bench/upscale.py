"""Upscaling beside torch (spandrel's networks, which is what ComfyUI computes with): one interleaved run, ratios of medians.

usage: upscale.py [--peer-python PYTHON] [--ncnn] [--size N] [--rounds N] [--threads N] [--only WORD] [--out FILE.json]

PYTHON is an interpreter that has torch and spandrel (`pip install spandrel` in an environment of its own); without it only
our own figures are taken. --ncnn: it has ncnn, too, which runs the networks of its form beside both. All sides get the same weights, the same picture of N x N pixels and the same number of threads,
compute in float32, and take turns, so that what else the machine does falls on both. Times of the processor are shown
beside wall clock: they hardly change when the machine is busy.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from turns import Runner, machine, take_turns, times_faster

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.expanduser("~/.cache/darkroom/models/upscale_models")

SIDE = os.path.join(ROOT, "bench/sides/upscalers.py")
RESTORE = os.path.join(ROOT, "tests/data/restore")
# No registry has weights of NAFNet: random ones of two published sizes, for denoising (SIDD) and for deblurring (GoPro).
NAFNETS = {
    "nafnet-width32-sidd": {"width": 32, "enc": (2, 2, 4, 8), "mid": 12, "dec": (2, 2, 2, 2)},
    "nafnet-width64-gopro": {"width": 64, "enc": (1, 1, 1, 28), "mid": 1, "dec": (1, 1, 1, 1)},
}


def torch_weights(param, folder):
    """The ncnn pair as the safetensors file that spandrel reads; the pair itself for what spandrel does not know."""
    if not os.path.basename(param).startswith("realesr"):
        return param
    out = os.path.join(folder, os.path.basename(param)[:-6] + ".safetensors")
    subprocess.run([sys.executable, os.path.join(RESTORE, "ncnn_to_torch.py"), param, param[:-6] + ".bin", out], check=True, stdout=subprocess.DEVNULL)
    return out


def make_nafnet(name, folder):
    sys.path.insert(0, RESTORE)
    import make_models
    out = os.path.join(folder, name + ".safetensors")
    make_models.write_safetensors(make_models.nafnet(name, **NAFNETS[name]), out)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python")
    parser.add_argument("--ncnn", action="store_true")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bin/darkroom-bench-upscale"))
    parser.add_argument("--out", default=os.path.join(ROOT, "bench/upscale.json"))
    args = parser.parse_args()

    pairs = ["realesr-animevideov3-x4", "realesrgan-x4plus-anime", "realesrgan-x4plus", "srmd_x2", "srmd_x4", "waifu2x_photo_noise1_x2"]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in [*pairs, *NAFNETS]:
            if args.only not in name:
                continue
            ours = os.path.join(CACHE, name + ".param") if name in pairs else make_nafnet(name, folder)
            size, threads = str(args.size), str(args.threads)
            sides = {"darkroom": Runner([args.program, ours, size, size, threads])}
            if args.peer_python:
                theirs = torch_weights(ours, folder) if name in pairs else ours
                peer = "torch" if theirs.endswith(".param") else "spandrel"
                sides[peer] = Runner([args.peer_python, SIDE, "torch", theirs, size, size, threads])
                if args.ncnn and name in pairs:
                    sides["ncnn"] = Runner([args.peer_python, SIDE, "ncnn", ours, size, size, threads])
            results[name] = take_turns(sides, args.rounds)
            line = "%-26s" % name + "".join("  %s %.3f s (cpu %.3f s, peak %d MB)" % (k, v["wall_s"], v["cpu_s"], v["peak_mb"]) for k, v in results[name].items())
            if args.peer_python:
                results[name]["times_faster"] = times_faster(results[name]["darkroom"], results[name][peer])
                line += "  -> %.2f times faster (cpu %.2f)" % (results[name]["times_faster"]["wall"], results[name]["times_faster"]["cpu"])
            print(line, flush=True)
    with open(args.out, "w") as out:
        json.dump({"machine": machine(), "picture": [args.size, args.size], "threads": args.threads, "dtype": "float32",
                   "rounds": args.rounds, "results": results}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
