#!/usr/bin/env python3
"""Writes the trained networks as one checkpoint that CheckpointLoaderSimple reads.

    export.py OUT.safetensors

float16; names and shapes of SD1.x's single files, with the narrow text and the short table of tokens of network.py.
"""
import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from sources import CACHE

FAMILY = "darkroom-words"
NATIVE = 128  # pixels a side
PREFIXES = {"vae": "first_stage_model.", "text": "cond_stage_model.transformer.", "unet": "model.diffusion_model."}
ROWS = PREFIXES["text"] + "text_model.embeddings.token_rows"


def part_of(tensors, part):
    """A network's state dict of an exported checkpoint, float32."""
    prefix = PREFIXES[part]
    return {name.removeprefix(prefix): value.float() for name, value in tensors.items() if name.startswith(prefix) and name != ROWS}


def write(parts, rows, path, facts=None):
    """`parts`: state dicts by the names of PREFIXES; `rows`: [49408], each token's row of the table; `facts`: more metadata."""
    tensors = {prefix + name: value.half().contiguous() for part, prefix in PREFIXES.items() for name, value in parts[part].items()}
    tensors[ROWS] = rows.to(torch.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"darkroom.family": FAMILY, "modelspec.resolution": f"{NATIVE}x{NATIVE}", "darkroom.model": "a demonstration model: emoji from their names",
                                       "licence": "Apache-2.0", **(facts or {})})
    path.chmod(0o644)  # safetensors keeps what it writes to itself


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("out", type=Path)
    asked = ask.parse_args()
    vae, words = (torch.load(CACHE / f"words/{name}.pt", weights_only=False) for name in ("vae", "words"))
    facts = {"darkroom.vae_steps": str(vae["step"]), "darkroom.steps": str(words["step"]), "darkroom.minutes": f"{(vae['seconds'] + words['seconds']) / 60:.0f}", "darkroom.seed": str(words["seed"])}
    write({"vae": vae["average"], "text": words["text"], "unet": words["unet"]}, words["rows"], asked.out, facts)
    print(f"{asked.out}: {asked.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
