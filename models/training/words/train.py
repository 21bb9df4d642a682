#!/usr/bin/env python3
"""Trains text encoder and UNet of the words model on the autoencoder's latents, in parts that go on where the last one stopped.

    train.py [--steps N] [--part MINUTES] [--seed N] [--from FILE --done N]

The checkpoint is ~/.cache/darkroom/training/words/words.pt; `--from` takes an exported model. The first SMALL of all steps see pictures in half the size, which
are four times as cheap: words and things find each other there.
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from captions import Captions
from diffusion import STEPS, noised, weights
from export import ROWS, part_of
from network import Shape, Text, UNet, Vae
from parts import HALF, Training, options, train
from prepare import NAMES, PICTURES
from sources import CACHE
from train_vae import CHECKPOINT as VAE, UNITS

CHECKPOINT, LATENTS = CACHE / "words/words.pt", CACHE / "words/latents.safetensors"
SMALL = 0.5
COUNTS = {8: 96, 16: 40}  # pictures in a batch, by the side of their latents
PAIRS = 0.06    # share of two things beside each other, in full size
EMPTY = 0.1     # share of pictures without words
RATE, LAST_RATE, WARM = 6e-4, 2e-5, 300
AVERAGE = 0.999


def encoded(vae, pictures):
    """uint8 [N,H,W,3] -> latents [N,4,H/8,W/8], in the sampler's units."""
    found = []
    with torch.no_grad():
        for some in pictures.split(32):
            found.append(UNITS * vae.moments(some.permute(0, 3, 1, 2).float() / 127.5 - 1)[0])
    return torch.cat(found)


def latents_of(start=None):
    """Latents of all pictures by their side, and of nothing but white; made anew when the autoencoder is newer."""
    if not LATENTS.exists() or VAE.exists() and VAE.stat().st_mtime > LATENTS.stat().st_mtime:
        vae = Vae(Shape()).eval()
        vae.load_state_dict(torch.load(VAE, weights_only=False)["average"] if VAE.exists() else part_of(load_file(start), "vae"))
        pictures = load_file(PICTURES)["pictures"]
        half = F.avg_pool2d(pictures.permute(0, 3, 1, 2).float(), 2).round().to(torch.uint8).permute(0, 2, 3, 1)
        white = torch.full((1, 128, 128, 3), 255, dtype=torch.uint8)
        save_file({"8": encoded(vae, half), "16": encoded(vae, pictures), "white": encoded(vae, white)}, LATENTS)
    found = load_file(LATENTS)
    return {8: found["8"], 16: found["16"]}, found["white"][0]


class Examples:
    def __init__(self, start=None):
        self.names = json.loads(NAMES.read_text())
        self.latents, self.white = latents_of(start)
        self.captions = Captions(self.names)
        self.weights = torch.tensor([entry["weight"] for entry in self.names])
        self.of_style = {style: torch.tensor([entry["weight"] * (entry["style"] == style) for entry in self.names]) for style in {entry["style"] for entry in self.names}}

    def batch(self, seed, step, steps):
        """Latents, their rows of words, timesteps and noise."""
        draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
        side = 8 if step < SMALL * steps else 16
        chosen = torch.multinomial(self.weights, COUNTS[side], replacement=True, generator=draw).tolist()
        latents, captions = [], []
        for one in chosen:
            entries, latent = [self.names[one]], self.latents[side][one]
            if side == 16 and torch.rand((), generator=draw) < PAIRS:
                other = int(torch.multinomial(self.of_style[entries[0]["style"]], 1, generator=draw))
                latent = self.white.clone()
                latent[:, 4:12] = torch.cat([self.latents[8][one], self.latents[8][other]], 2)
                entries.append(self.names[other])
            latents.append(latent)
            captions.append("" if torch.rand((), generator=draw) < EMPTY else self.captions.of(entries, draw))
        latents = torch.stack(latents)
        t = torch.randint(STEPS, (len(latents),), generator=draw)
        return latents, self.captions.batch(captions, draw), t, torch.randn(latents.shape, generator=draw)


class WordsTraining(Training):
    def __init__(self, shape, rows, seed):
        torch.manual_seed(seed)
        self.shape, self.rows = shape, rows
        self.text, self.unet = Text(shape), UNet(shape).to(memory_format=torch.channels_last)
        # Which word it is says more than where it stands: of 77 places all but a few are end marks, which look alike.
        embeddings = self.text.text_model.embeddings
        torch.nn.init.normal_(embeddings.token_embedding.weight, std=0.4)
        torch.nn.init.normal_(embeddings.position_embedding.weight, std=0.05)
        both = torch.nn.ModuleDict({"text": self.text, "unet": self.unet})
        super().__init__(both, torch.optim.AdamW(both.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True), seed, AVERAGE, (RATE, LAST_RATE, WARM))

    def advance(self, batch, steps):
        latents, rows, t, noise = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            found = self.unet(noised(latents, noise, t).contiguous(memory_format=torch.channels_last), t, self.text(rows))
        errors = (found.float() - noise).pow(2).mean((1, 2, 3))
        loss = (errors * weights(t)).mean()
        self.descend(loss, steps)
        return {"loss": loss.detach(), "noise": errors.detach().mean()}

    def facts(self):
        of = lambda part: {name.removeprefix(part + "."): value for name, value in self.average.weights.items() if name.startswith(part + ".")}
        return {"shape": self.shape, "rows": self.rows, "text": of("text"), "unet": of("unet")}

    @classmethod
    def load(cls, path):
        kept = torch.load(path, weights_only=False)
        return cls(kept["shape"], kept["rows"], kept["seed"]).take_up(kept)

    def start_from(self, path):
        tensors = load_file(path)
        if not torch.equal(tensors[ROWS].long(), self.rows):
            sys.exit(f"{path} has another table of tokens than the captions: were they changed?")
        self.text.load_state_dict(part_of(tensors, "text"))
        self.unet.load_state_dict(part_of(tensors, "unet"))
        self.start_again()


def main():
    asked = options(__doc__, 30000, CHECKPOINT).parse_args()
    examples = Examples(asked.start)
    if asked.checkpoint.exists():
        training = WordsTraining.load(asked.checkpoint)
    else:
        training = WordsTraining(Shape(rows=examples.captions.count), examples.captions.rows, asked.seed)
        if asked.start:
            training.start_from(asked.start)
            training.step = asked.done
    print(f"{sum(p.numel() for p in training.whole.parameters()) / 1e6:.2f} M parameters, {len(examples.names)} pictures, {examples.captions.count} tokens, at step {training.step}, "
          f"{training.seconds / 60:.1f} minutes so far")
    train(training, lambda step: examples.batch(training.seed, step, asked.steps), asked.steps, asked.part, asked.checkpoint)


if __name__ == "__main__":
    main()
