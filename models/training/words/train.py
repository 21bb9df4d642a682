#!/usr/bin/env python3
"""Trains text encoder and UNet of the words model on the autoencoder's latents, in parts that go on where the last one stopped.

    train.py [--side 8|16] [--steps N] [--part MINUTES] [--seed N] [--from FILE --done N]

The checkpoint is ~/.cache/darkroom/training/words/words.pt; `--from` takes an exported model. Latents of side 8 are those of pictures in half the size, which are four
times as cheap: words and things find each other there; 16 comes last.
"""
import hashlib
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
from muon import of_network
from network import Shape, Text, UNet, Vae
from parts import HALF, Training, options, train
from prepare import NAMES, PICTURES
from sources import CACHE
from train_vae import CHECKPOINT as VAE, UNITS

CHECKPOINT = CACHE / "words/words.pt"
STYLES = ("flat",)          # of the pictures: with one for each emoji, words say all that is to be seen
COUNTS = {8: 32, 16: 16}    # pictures in a batch, by the side of their latents
NOISES = 4                  # of each picture: its words are read once
WHOLE = 6       # of so many batches one has all 77 places of text, and in the last tenth all have: captions are short, and what follows them is end marks alone
PAIRS = 0.06    # share of two things beside each other, in full size
EMPTY = 0.1     # share of pictures without words
RATE, LAST_RATE, WARM = 2e-3, 5e-5, 50
AVERAGE = 0.999


def encoded(vae, pictures, side):
    """uint8 [N,128,128,3] -> latents [N,4,side,side], in the sampler's units."""
    found = []
    with torch.no_grad():
        for some in pictures.split(16):
            some = some.permute(0, 3, 1, 2).float()
            found.append(UNITS * vae.moments(F.avg_pool2d(some, 16 // side) / 127.5 - 1)[0])
    return torch.cat(found).contiguous()


def encoder_of(start=None):
    """The autoencoder, of the exported model `start` or of the checkpoint, and what tells its encoder from others."""
    vae = Vae(Shape()).eval()
    vae.load_state_dict(part_of(load_file(start), "vae") if start else torch.load(VAE, weights_only=False)["average"])
    weights = [value for name, value in vae.state_dict().items() if name.startswith(("encoder.", "quant_conv."))]
    return vae, hashlib.sha256(b"".join(value.half().numpy().tobytes() for value in weights)).hexdigest()[:16]


def latents_of(side, shown, start=None):
    """Latents of the pictures `shown`; made anew for another encoder."""
    vae, mark = encoder_of(start)
    path = CACHE / f"words/latents-{side}-{'-'.join(STYLES)}-{mark}.safetensors"
    if not path.exists():
        save_file({"latents": encoded(vae, load_file(PICTURES)["pictures"][shown], side)}, path)
    return load_file(path)["latents"]


def white_of(start=None):
    return encoded(encoder_of(start)[0], torch.full((1, 128, 128, 3), 255, dtype=torch.uint8), 16)[0]


class Examples:
    """The pictures of STYLES, as latents, and their words."""

    def __init__(self, side, start=None):
        whole = json.loads(NAMES.read_text())
        self.shown = [i for i, entry in enumerate(whole) if entry["style"] in STYLES]
        self.side, self.names, self.captions = side, [whole[i] for i in self.shown], Captions(whole)
        self.latents = latents_of(side, self.shown, start)
        if side == 16:
            self.small, self.white = latents_of(8, self.shown, start), white_of(start)
        self.weights = torch.tensor([entry["weight"] for entry in self.names])

    def beside(self, one, other):
        """Two things in half the size beside each other."""
        latent = self.white.clone()
        latent[:, 4:12] = torch.cat([self.small[one], self.small[other]], 2)
        return latent

    def batch(self, seed, step, steps):
        """Latents, the rows of words for each NOISES of them, timesteps and noise."""
        whole = step % WHOLE == 0 or step >= 0.9 * steps
        draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
        chance = lambda: torch.rand((), generator=draw).item()
        latents, captions = [], []
        for one in torch.multinomial(self.weights, COUNTS[self.side], replacement=True, generator=draw).tolist():
            entries, latent = [self.names[one]], self.latents[one]
            if self.side == 16 and chance() < PAIRS:
                other = int(torch.multinomial(self.weights, 1, generator=draw))
                entries, latent = [*entries, self.names[other]], self.beside(one, other)
            latents.append(latent)
            captions.append("" if chance() < EMPTY else self.captions.of(entries, draw))
        latents = torch.stack(latents).repeat_interleave(NOISES, 0)
        spread = torch.arange(NOISES) / NOISES + torch.rand(len(captions), 1, generator=draw)  # a picture's timesteps are evenly apart
        return latents, self.captions.batch(captions, draw, whole), (spread % 1 * STEPS).long().flatten(), torch.randn(latents.shape, generator=draw)


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
        super().__init__(both, of_network(both, RATE), seed, AVERAGE, (RATE, LAST_RATE, WARM))

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
    ask = options(__doc__, 30000, CHECKPOINT)
    ask.add_argument("--side", type=int, default=8, choices=COUNTS)
    asked = ask.parse_args()
    examples = Examples(asked.side, asked.start)
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
