"""One UNet step of full size beside plain PyTorch: random weights, one interleaved run, ratios of medians.

usage: unet_step.py [--python PYTHON] [--model sd15|sdxl_base|...] [--size N] [--batch N] [--rounds N] [--threads N] [--bf16] [--out FILE.json]

PYTHON is an interpreter that has torch and safetensors. Names and shapes come from tests/data/golden/keys. Both sides get the same
weights (float16 in the file), the same input (N x N pixels, batch 2: cond and uncond) and the same number of threads, compute in
float32 (or bf16) in channels-last memory, and take turns, so that what else the machine does falls on both. Times of the processor
are shown beside wall clock: they change less when the machine is busy. The outputs are compared as well.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from turns import Runner, machine, take_turns, times_faster

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

MAKE = r"""
import json, sys, torch
from safetensors.torch import save_file
keys, weights, inputs, size, batch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
torch.manual_seed(0)
P = "model.diffusion_model."
out, context, adm = {}, 0, 0
for name, info in json.load(open(keys))["keys"].items():
    if not name.startswith(P): continue
    shape = info["shape"]
    fan = torch.Size(shape[1:]).numel() if len(shape) > 1 else 1
    t = torch.randn(shape) * (fan ** -0.5 if len(shape) > 1 else 0.05)
    if len(shape) == 1 and name.endswith("weight"): t += 1
    out[name] = t.half()
    if name.endswith("attn2.to_k.weight"): context = shape[1]
    if name.endswith("label_emb.0.0.weight"): adm = shape[1]
channels = out[P + "input_blocks.0.0.weight"].shape[1]
save_file(out, weights)
given = {"x": torch.randn(batch, channels, size // 8, size // 8), "timesteps": torch.full((batch,), 500.0), "context": torch.randn(batch, 77, context)}
if adm: given["y"] = torch.randn(batch, adm)
save_file(given, inputs)
"""

PEER = r"""
import sys, time, math, resource, torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
weights, inputs, output, threads, dtype = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), getattr(torch, sys.argv[5])
torch.set_num_threads(threads)
P = "model.diffusion_model."
W = {k[len(P):]: v.to(dtype) for k, v in load_file(weights).items()}
W = {k: v.contiguous(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in W.items()}
given = load_file(inputs)
sd1 = next(v for k, v in W.items() if k.endswith("attn2.to_k.weight")).shape[1] == 768

def linear(x, n): return F.linear(x, W[n + ".weight"], W.get(n + ".bias"))
def conv(x, n, stride=1): return F.conv2d(x, W[n + ".weight"], W[n + ".bias"], stride, W[n + ".weight"].shape[-1] // 2)
def norm(x, n, eps=1e-5): return F.group_norm(x, 32, W[n + ".weight"], W[n + ".bias"], eps)
def layer_norm(x, n): return F.layer_norm(x, x.shape[-1:], W[n + ".weight"], W[n + ".bias"])

def residual(x, emb, n):
    h = conv(F.silu(norm(x, n + ".in_layers.0")), n + ".in_layers.2")
    h = h + linear(F.silu(emb), n + ".emb_layers.1")[:, :, None, None]
    h = conv(F.silu(norm(h, n + ".out_layers.0")), n + ".out_layers.3")
    return h + (conv(x, n + ".skip_connection") if n + ".skip_connection.weight" in W else x)

def attention(x, context, n):
    heads = 8 if sd1 else x.shape[-1] // 64
    q, k, v = (linear(a, f"{n}.to_{c}").unflatten(-1, (heads, -1)).transpose(1, 2) for a, c in ((x, "q"), (context, "k"), (context, "v")))
    return linear(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2), n + ".to_out.0")

def transformer(x, context, n):
    b, c, h, w = x.shape
    t = norm(x, n + ".norm", 1e-6)
    if W[n + ".proj_in.weight"].dim() == 4: t = conv(t, n + ".proj_in")
    t = t.permute(0, 2, 3, 1).reshape(b, h * w, -1)
    if W[n + ".proj_in.weight"].dim() == 2: t = linear(t, n + ".proj_in")
    i = 0
    while f"{n}.transformer_blocks.{i}.norm1.weight" in W:
        m = f"{n}.transformer_blocks.{i}"
        s = layer_norm(t, m + ".norm1")
        t = t + attention(s, s, m + ".attn1")
        t = t + attention(layer_norm(t, m + ".norm2"), context, m + ".attn2")
        value, gate = linear(layer_norm(t, m + ".norm3"), m + ".ff.net.0.proj").chunk(2, -1)
        t = t + linear(value * F.gelu(gate), m + ".ff.net.2")
        i += 1
    if W[n + ".proj_out.weight"].dim() == 2: t = linear(t, n + ".proj_out")
    t = t.reshape(b, h, w, -1).permute(0, 3, 1, 2)
    if W[n + ".proj_out.weight"].dim() == 4: t = conv(t, n + ".proj_out")
    return x + t

def block(x, emb, context, n):
    i = 0
    while any(k in W for k in (f"{n}.{i}.in_layers.0.weight", f"{n}.{i}.norm.weight", f"{n}.{i}.op.weight", f"{n}.{i}.conv.weight", f"{n}.{i}.weight")):
        m = f"{n}.{i}"
        if m + ".in_layers.0.weight" in W: x = residual(x, emb, m)
        elif m + ".norm.weight" in W: x = transformer(x, context, m)
        elif m + ".op.weight" in W: x = conv(x, m + ".op", 2)
        elif m + ".conv.weight" in W: x = conv(F.interpolate(x, scale_factor=2, mode="nearest"), m + ".conv")
        else: x = conv(x, m)
        i += 1
    return x

def unet(x, timesteps, context, y=None):
    half = W["time_embed.0.weight"].shape[1] // 2
    a = timesteps[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)[None]
    emb = linear(F.silu(linear(torch.cat([a.cos(), a.sin()], -1).to(dtype), "time_embed.0")), "time_embed.2")
    if y is not None: emb = emb + linear(F.silu(linear(y.to(dtype), "label_emb.0.0")), "label_emb.0.2")
    h, context, skips, i = x.to(dtype).contiguous(memory_format=torch.channels_last), context.to(dtype), [], 0
    while any(k.startswith(f"input_blocks.{i}.") for k in W):
        h = block(h, emb, context, f"input_blocks.{i}")
        skips.append(h)
        i += 1
    h = block(h, emb, context, "middle_block")
    for i in range(len(skips)): h = block(torch.cat([h, skips.pop()], 1), emb, context, f"output_blocks.{i}")
    return conv(F.silu(norm(h, "out.0")), "out.2").float().contiguous()

print("ready", flush=True)
written = False
for line in sys.stdin:
    given["timesteps"] = given["timesteps"] - 1
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        y = unet(**given)
    print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
    if not written: save_file({"output": y}, output)
    written = True
"""

COMPARE = r"""
import sys
from safetensors.torch import load_file
a, b = (load_file(p)["output"].double() for p in sys.argv[1:3])
print(((a - b).norm() / b.norm()).item())
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--model", default="sd15")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--alone", action="store_true", help="no peer")
    parser.add_argument("--folder", help="keep the random weights here for the next time")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bin/darkroom-bench-unet"))
    parser.add_argument("--out")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or scratch
        weights, inputs = os.path.join(folder, args.model + ".safetensors"), os.path.join(folder, f"{args.model}.{args.size}.{args.batch}.safetensors")
        if not os.path.exists(inputs):
            subprocess.run([args.python, "-c", MAKE, os.path.join(ROOT, f"tests/data/golden/keys/{args.model}.json"), weights, inputs, str(args.size), str(args.batch)], check=True)
        ours, theirs = os.path.join(scratch, "ours.safetensors"), os.path.join(scratch, "theirs.safetensors")
        sides = {"darkroom": Runner([args.program, weights, inputs, ours, str(args.threads)] + (["--bf16"] if args.bf16 else []))}
        if not args.alone:
            sides["pytorch"] = Runner([args.python, "-c", PEER, weights, inputs, theirs, str(args.threads), "bfloat16" if args.bf16 else "float32"])
        tell = lambda name, run, number: print(f"{name}: {run[0]:.2f} s, processor {run[1]:.2f} s" + ("" if number else " (first)"), flush=True)
        results = take_turns(sides, args.rounds, tell)
        result = {"machine": machine(), "model": args.model, "size": args.size, "batch": args.batch, "threads": args.threads,
                  "dtype": "bf16" if args.bf16 else "float32", "rounds": args.rounds, "results": results}
        if not args.alone:
            result["relative_difference"] = float(subprocess.run([args.python, "-c", COMPARE, ours, theirs], check=True, capture_output=True, text=True).stdout)
            result["times_faster"] = times_faster(results["darkroom"], results["pytorch"])
        text = json.dumps(result, indent=1)
        print(text)
        if args.out:
            with open(args.out, "w") as file:
                file.write(text + "\n")


if __name__ == "__main__":
    main()
