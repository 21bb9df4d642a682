#!/usr/bin/env python3
"""Writes the trained weights as Darkroom's colouriser reads them, and reads them back.

    export.py [--checkpoint FILE] [--saturation FACTOR] OUT.safetensors

float16, names and shapes of the published checkpoints. A convolution with a spectral norm is written with two vectors whose product with the
weights is 1, so the reader's division changes nothing. `--saturation` multiplies a and b, which are what the last convolution gives.
"""
import argparse
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from batches import LARGE
from network import UNIT, DDColor, Shape
from sources import CACHE

FAMILY = "darkroom-colour"
NATIVE = LARGE[-1]  # the side of the square that the network is made for, pixels
SPECTRAL = ("shuf.conv.0", "last_shuf.conv.0", "refine_net.0.0")
SCORES = "head."  # of the training's second loss, not in the file


def spectral(name):
    """Whether the layer `name` has a spectral norm in the published network."""
    return name.endswith(SPECTRAL) or (name.startswith("decoder.layers.") and name.endswith(".conv.0"))


def unit_vectors(weight):
    """u and v with u . (W v) = 1, W [out, rest] as the file holds it: they point at W's largest number."""
    flat = weight.flatten(1).double()
    place = flat.abs().argmax()
    row, column = divmod(place.item(), flat.shape[1])
    u, v = torch.zeros(flat.shape[0]), torch.zeros(flat.shape[1])
    # Of u times the number only u can be off by rounding; v takes the rest.
    u[row] = (1 / flat[row, column]).half().float()
    v[column] = 1 / (u[row].double() * flat[row, column])
    return u, v


def exported(state, saturation=1.0):
    """A trained state dict -> the file's tensors."""
    tensors = {}
    for name, value in state.items():
        if name.startswith(SCORES) or name.endswith("num_batches_tracked"):
            continue
        if name.startswith("refine_net."):
            value = value * (saturation * UNIT)
        value = value.half().contiguous()
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and value.dim() == 4 and spectral(layer):
            u, v = unit_vectors(value)
            tensors |= {layer + ".weight_orig": value, layer + ".weight_u": u.half(), layer + ".weight_v": v.half()}
        else:
            tensors[name] = value
    return tensors


def write(state, path, saturation=1.0, facts=None):
    """`facts`: more metadata, text to text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(exported(state, saturation), path, metadata={"darkroom.family": FAMILY, "modelspec.resolution": f"{NATIVE}x{NATIVE}", "darkroom.model": "DDColor, narrow: a demonstration model", **(facts or {})})
    path.chmod(0o644)  # safetensors keeps what it writes to itself


def read(path):
    """The state dict of exported weights, float32, for the training to go on from."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
    state = {}
    for name, value in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "weight_orig":
            sigma = torch.dot(tensors[layer + ".weight_u"], value.flatten(1) @ tensors[layer + ".weight_v"])
            state[layer + ".weight"] = value / sigma
        elif kind not in ("weight_u", "weight_v"):
            state[name] = value
    for kind in ("weight", "bias"):
        state["refine_net.0.0." + kind] /= UNIT
    return state


def network_of(state):
    """The network of a read state dict, ready to be asked; every size but the heads is read off the tensors."""
    count = lambda prefix: len({name.removeprefix(prefix).partition(".")[0] for name in state if name.startswith(prefix)})
    stages = "encoder.arch.stages."
    colors = "decoder.color_decoder."
    queries, hidden = state[colors + "query_feat.weight"].shape
    maps = tuple(len(state[f"decoder.layers.{i}.conv.0.weight"]) for i in range(3))
    network = DDColor(Shape(depths=tuple(count(f"{stages}{i}.") for i in range(4)), channels=tuple(len(state[f"{stages}{i}.0.gamma"]) for i in range(4)), maps=maps,
                            last=len(state["decoder.last_shuf.conv.0.weight"]) // 16, hidden=hidden, feed=len(state[colors + "transformer_ffn_layers.0.linear1.weight"]),
                            queries=queries, layers=count(colors + "transformer_ffn_layers.")))
    network.load_state_dict(state, strict=False)  # without what counts batches
    return network.eval()


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--checkpoint", type=Path, default=CACHE / "colour/checkpoint.pt")
    ask.add_argument("--saturation", type=float, default=1.0)
    ask.add_argument("out", type=Path)
    asked = ask.parse_args()
    kept = torch.load(asked.checkpoint, weights_only=False)
    facts = {"darkroom.steps": str(kept["step"]), "darkroom.seed": str(kept["seed"]), "darkroom.minutes": f"{kept['seconds'] / 60:.0f}", "licence": "Apache-2.0"}
    write(kept["average"], asked.out, asked.saturation, facts)
    print(f"{asked.out}: {asked.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
