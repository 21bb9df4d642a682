"""Upscaling beside spandrel on torch, which is what ComfyUI computes with: one interleaved run, ratios of medians.

usage: upscale.py [--peer-python PYTHON] [--size N] [--rounds N] [--threads N] [--only WORD] [--out FILE.json]

PYTHON is an interpreter that has torch and spandrel (`pip install spandrel` in an environment of its own); without it only
our own figures are taken. Both sides get the same weights, the same picture of N x N pixels and the same number of threads,
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

PEER = r"""
import sys, time, resource, torch
from spandrel import ModelLoader
path, height, width, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
model = ModelLoader().load_from_file(path).eval()
x = torch.rand(1, height, width, 3).movedim(-1, -3)     # as the node hands it over
print("ready", flush=True)
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        y = model(x)
    print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
"""


def torch_weights(param, folder):
    """The ncnn pair as the safetensors file that spandrel reads."""
    out = os.path.join(folder, os.path.basename(param)[:-6] + ".safetensors")
    subprocess.run([sys.executable, os.path.join(ROOT, "tests/data/restore/ncnn_to_torch.py"), param, param[:-6] + ".bin", out], check=True, stdout=subprocess.DEVNULL)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bin/darkroom-bench-upscale"))
    parser.add_argument("--out", default=os.path.join(ROOT, "bench/upscale.json"))
    args = parser.parse_args()

    models = [os.path.join(ROOT, "models/upscale_models/realesr-animevideov3-x4.param"), os.path.join(CACHE, "realesrgan-x4plus-anime.param"),
              os.path.join(CACHE, "realesrgan-x4plus.param")]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for param in models:
            name = os.path.basename(param)[:-6]
            if args.only not in name:
                continue
            size, threads = str(args.size), str(args.threads)
            sides = {"darkroom": Runner([args.program, param, size, size, threads])}
            if args.peer_python:
                sides["spandrel"] = Runner([args.peer_python, "-c", PEER, torch_weights(param, folder), size, size, threads])
            results[name] = take_turns(sides, args.rounds)
            line = "%-26s" % name + "".join("  %s %.3f s (cpu %.3f s, peak %d MB)" % (k, v["wall_s"], v["cpu_s"], v["peak_mb"]) for k, v in results[name].items())
            if args.peer_python:
                results[name]["times_faster"] = times_faster(results[name]["darkroom"], results[name]["spandrel"])
                line += "  -> %.2f times faster (cpu %.2f)" % (results[name]["times_faster"]["wall"], results[name]["times_faster"]["cpu"])
            print(line, flush=True)
    with open(args.out, "w") as out:
        json.dump({"machine": machine(), "picture": [args.size, args.size], "threads": args.threads, "dtype": "float32",
                   "rounds": args.rounds, "results": results}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
