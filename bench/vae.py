"""The autoencoder beside plain PyTorch in channels-last memory: one interleaved run, ratios of medians, and how far apart the results are.

usage: vae.py [--size N] [--rounds N] [--threads N] [--what decode|encode] [--bf16] [--peer-python PYTHON] [--out FILE.json]

Both sides get the same random weights of Stable Diffusion's real widths, the same input for a picture of N x N pixels and the same number
of threads, and take turns, so that what else the machine does falls on both. PYTHON is an interpreter that has torch and safetensors (by
default the one that runs this). Times of the processor are shown beside wall clock: they hardly change when the machine is busy.
"""
import argparse
import json
import math
import os
import sys
import tempfile

from turns import Runner, machine, take_turns, times_faster

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WIDTHS = (128, 256, 512, 512)
BLOCKS = 2          # a level of the encoder; the decoder has one more

PEER = r"""
import resource, sys, time, torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
model, what, source, threads, bf16, out = sys.argv[1:7]
torch.set_num_threads(int(threads))
dtype = torch.bfloat16 if bf16 == "1" else torch.float32
w = {}
for name, t in load_file(model).items():
    t = t.to(dtype)
    w[name] = t.to(memory_format=torch.channels_last) if t.dim() == 4 else t
conv = lambda n, x, s=1, p=1: F.conv2d(x, w[n + ".weight"], w[n + ".bias"], s, p)
norm = lambda n, x: F.group_norm(x, 32, w[n + ".weight"], w[n + ".bias"], 1e-6)
def block(n, x):
    h = conv(n + ".conv1", F.silu(norm(n + ".norm1", x)))
    h = conv(n + ".conv2", F.silu(norm(n + ".norm2", h)))
    return (conv(n + ".nin_shortcut", x, 1, 0) if n + ".nin_shortcut.weight" in w else x) + h
def middle(n, x):
    x = block(n + ".block_1", x)
    b, c, height, width = x.shape
    h = norm(n + ".attn_1.norm", x)
    q, k, v = (conv(n + ".attn_1." + p, h, 1, 0).flatten(2).transpose(1, 2)[:, None] for p in "qkv")
    h = F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).reshape(b, c, height, width)
    return block(n + ".block_2", x + conv(n + ".attn_1.proj_out", h, 1, 0))
levels = 1 + max(int(n.split(".")[2]) for n in w if n.startswith("decoder.up."))
def blocks(n, x):
    i = 0
    while f"{n}.block.{i}.conv1.weight" in w:
        x = block(f"{n}.block.{i}", x)
        i += 1
    return x
def decode(z):
    x = middle("decoder.mid", conv("decoder.conv_in", conv("post_quant_conv", z, 1, 0)))
    for level in reversed(range(levels)):
        x = blocks(f"decoder.up.{level}", x)
        if level:
            x = conv(f"decoder.up.{level}.upsample.conv", F.interpolate(x, scale_factor=2.0, mode="nearest"))
    y = conv("decoder.conv_out", F.silu(norm("decoder.norm_out", x)))
    return ((y.float() + 1) / 2).clamp(0, 1).movedim(1, -1)
def encode(image):
    x = conv("encoder.conv_in", image.movedim(-1, 1) * 2 - 1)
    for level in range(levels):
        x = blocks(f"encoder.down.{level}", x)
        if level < levels - 1:
            x = conv(f"encoder.down.{level}.downsample.conv", F.pad(x, (0, 1, 0, 1)), 2, 0)
    x = conv("encoder.conv_out", F.silu(norm("encoder.norm_out", middle("encoder.mid", x))))
    return conv("quant_conv", x, 1, 0)[:, :4].float()
given = load_file(source)
x = given["image" if what == "encode" else "latent"].to(dtype).contiguous(memory_format=torch.channels_last)
print("ready", flush=True)
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        y = (encode if what == "encode" else decode)(x)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if out:
        save_file({"result": y.contiguous()}, out)
        out = ""
    print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
"""


def random_weights():
    """Weights whose activations keep their size, so that the figures are those of a real network."""
    import torch

    generator = torch.Generator().manual_seed(7)
    tensors = {}

    def conv(name, out, inputs, side):
        tensors[name + ".weight"] = (torch.randn(out, inputs, side, side, generator=generator) / math.sqrt(inputs * side * side)).half()
        tensors[name + ".bias"] = (torch.randn(out, generator=generator) * 0.05).half()

    def norm(name, channels):
        tensors[name + ".weight"] = (torch.rand(channels, generator=generator) * 0.5 + 0.75).half()
        tensors[name + ".bias"] = (torch.randn(channels, generator=generator) * 0.05).half()

    def block(name, inputs, out):
        norm(name + ".norm1", inputs), conv(name + ".conv1", out, inputs, 3), norm(name + ".norm2", out), conv(name + ".conv2", out, out, 3)
        if inputs != out:
            conv(name + ".nin_shortcut", out, inputs, 1)

    def middle(name, channels):
        block(name + ".block_1", channels, channels), block(name + ".block_2", channels, channels), norm(name + ".attn_1.norm", channels)
        for part in ("q", "k", "v", "proj_out"):
            conv(f"{name}.attn_1.{part}", channels, channels, 1)

    top = len(WIDTHS) - 1
    conv("encoder.conv_in", WIDTHS[0], 3, 3)
    channels = WIDTHS[0]
    for level, width in enumerate(WIDTHS):
        for i in range(BLOCKS):
            block(f"encoder.down.{level}.block.{i}", channels, width)
            channels = width
        if level < top:
            conv(f"encoder.down.{level}.downsample.conv", width, width, 3)
    middle("encoder.mid", channels), norm("encoder.norm_out", channels), conv("encoder.conv_out", 8, channels, 3), conv("quant_conv", 8, 8, 1)
    conv("post_quant_conv", 4, 4, 1), conv("decoder.conv_in", channels, 4, 3), middle("decoder.mid", channels)
    for level in reversed(range(len(WIDTHS))):
        for i in range(BLOCKS + 1):
            block(f"decoder.up.{level}.block.{i}", channels, WIDTHS[level])
            channels = WIDTHS[level]
        if level:
            conv(f"decoder.up.{level}.upsample.conv", channels, channels, 3)
    norm("decoder.norm_out", channels), conv("decoder.conv_out", 3, channels, 3)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--what", choices=("decode", "encode"), default="decode")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bin/darkroom-bench-vae"))
    parser.add_argument("--out", help="a JSON file for the figures")
    args = parser.parse_args()
    import torch
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name + ".safetensors")
        save_file(random_weights(), path("model"))
        generator = torch.Generator().manual_seed(1)
        save_file({"latent": torch.randn(1, 4, args.size // 8, args.size // 8, generator=generator), "image": torch.rand(1, args.size, args.size, 3, generator=generator)}, path("input"))
        ours = [args.program, path("model"), args.what, path("input"), str(args.threads), "--out", path("darkroom")]
        sides = {"darkroom": Runner(ours + (["--bf16"] if args.bf16 else []))}
        if not args.alone:
            sides["pytorch"] = Runner([args.peer_python, "-c", PEER, path("model"), args.what, path("input"), str(args.threads), str(int(args.bf16)), path("pytorch")])
        results = take_turns(sides, args.rounds)
        line = f"{args.what} {args.size}x{args.size}:" + "".join("  %s %.2f s (cpu %.2f s, peak %d MB)" % (k, v["wall_s"], v["cpu_s"], v["peak_mb"]) for k, v in results.items())
        if not args.alone:
            got, want = (load_file(path(name))["result"].double() for name in ("darkroom", "pytorch"))
            results["times_faster"] = times_faster(results["darkroom"], results["pytorch"])
            results["rel_l2"] = ((got - want).norm() / want.norm()).item()
            line += "  -> %.2f times faster (cpu %.2f), relative difference %.1e" % (results["times_faster"]["wall"], results["times_faster"]["cpu"], results["rel_l2"])
        print(line, flush=True)
    if args.out:
        with open(args.out, "w") as out:
            json.dump({"machine": machine(), "what": args.what, "picture": [args.size, args.size], "threads": args.threads,
                       "dtype": "bfloat16" if args.bf16 else "float32", "rounds": args.rounds, "results": results}, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
