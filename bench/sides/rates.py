"""How fast this machine multiplies and convolves, and how many operations a step has: one JSON object on standard output.

usage: rates.py CHECKPOINT INPUTS THREADS fp32|bf16
"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from networks import UNet
from step import weights_of

SECONDS = 2.0  # for each rate


def rate(operations, run):
    """Operations a second, the median over runs: what else the machine does falls on some of them only."""
    run()
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return operations / statistics.median(times)


def rates(dtype):
    product = {}
    for side in (1024, 2048, 4096):
        a, b = torch.randn(side, side, dtype=dtype), torch.randn(side, side, dtype=dtype)
        product[side] = rate(2 * side ** 3, lambda: a @ b)
    convolution = {}
    for channels, side in ((320, 64), (640, 32), (1280, 16)):
        x = torch.randn(2, channels, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
        w = torch.randn(channels, channels, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        convolution[f"{channels} at {side}x{side}"] = rate(2 * 2 * side * side * 9 * channels ** 2, lambda: F.conv2d(x, w, padding=1))
    q = torch.randn(2, 8, 4096, 40, dtype=dtype)
    attention = rate(2 * 2 * 8 * 4096 * 4096 * 40 * 2, lambda: F.scaled_dot_product_attention(q, q, q))
    return {"product": product, "convolution": convolution, "attention": attention}


def operations(checkpoint, inputs):
    """Of one step, by kind; counted on tensors without data."""
    weights = {name: torch.empty(tensor.shape, device="meta") for name, tensor in weights_of(checkpoint, "model.diffusion_model.").items()}
    network = UNet(weights, torch.float32)
    given = {name: tensor.to("meta") for name, tensor in load_file(inputs).items() if name != "latent"}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(given["x"], given["timesteps"], given["context"], given.get("y"))
    kinds = {"convolution": 0, "linear": 0, "attention": 0}
    for operation, count in counter.get_flop_counts()["Global"].items():
        name = str(operation)
        kinds["convolution" if "conv" in name else "linear" if name.endswith((".mm", ".addmm")) else "attention"] += count
    return kinds


def main():
    checkpoint, inputs, threads, precision = sys.argv[1:]
    torch.set_num_threads(int(threads))
    with torch.inference_mode():
        measured = rates({"fp32": torch.float32, "bf16": torch.bfloat16}[precision])
    print(json.dumps({"precision": precision, "rates": measured, "operations": operations(checkpoint, inputs)}))


if __name__ == "__main__":
    main()
