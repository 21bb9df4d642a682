#!/usr/bin/env python3
"""Trains the autoencoder of the words model, in parts that go on where the last one stopped.

    train_vae.py [--decoder] [--steps N] [--part MINUTES] [--seed N] [--from FILE --done N]

The checkpoint is ~/.cache/darkroom/training/words/vae.pt; `--from` takes an exported model. `--decoder` leaves the encoder as it is, and with it the latents that
text encoder and UNet have learnt. Latents are made such that the editor's quick previews (a few numbers for
each of SD1.x's four channels) show the picture's colours: that is part of what is trained.
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from export import part_of
from muon import of_network
from network import Shape, Vae
from parts import HALF, Training, options, train
from prepare import PICTURES
from sources import CACHE

CHECKPOINT = CACHE / "words/vae.pt"
SIDE, COUNT = 64, 4  # of the pieces in a batch
RATE, LAST_RATE, WARM = 2e-3, 5e-5, 50
AVERAGE = 0.995
UNITS = 0.18215  # of the sampler, in a latent's own
# Colours of the sampler's four channels in previews, as Darkroom shows them (src/diffusion/latent_format.cpp).
PREVIEW = torch.tensor([[0.347, 0.228, 0.318], [0.325, 0.491, 0.240], [-0.269, 0.171, 0.263], [-0.213, -0.260, -0.698]])


class Pieces:
    """Parts of pictures: of the full size, and of pictures in half their size."""

    def __init__(self):
        self.pictures = load_file(PICTURES)["pictures"]

    def batch(self, seed, step):
        draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
        below = lambda n: int(torch.randint(n, (), generator=draw))
        pieces = []
        for _ in range(COUNT):
            picture = self.pictures[below(len(self.pictures))].permute(2, 0, 1).float()
            if below(5) < 2:
                piece = F.avg_pool2d(picture[None], 2)[0]
            else:
                y, x = below(128 - SIDE + 1), below(128 - SIDE + 1)
                piece = picture[:, y:y + SIDE, x:x + SIDE]
            if below(2):
                piece = piece.flip(2)
            if below(6) == 0:  # grounds that are not white, and pictures that a user brings
                piece = piece * (0.4 + 0.6 * torch.rand(3, 1, 1, generator=draw))
            pieces.append(piece)
        return (torch.stack(pieces) / 127.5 - 1)


def edges(x):
    return torch.cat([x.diff(dim=2)[..., 1:], x.diff(dim=3)[:, :, 1:]], 1)


class VaeTraining(Training):
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.network = Vae(Shape())
        with torch.no_grad():  # begins with little noise in the latents: with as much as signal the decoder learns nothing for a thousand steps
            self.network.quant_conv.bias[4:] = -4
            self.network.quant_conv.weight[4:] *= 0.1
        super().__init__(self.network, of_network(self.network, RATE), seed, AVERAGE, (RATE, LAST_RATE, WARM))

    def advance(self, pictures, steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            means, logs = self.network.moments(pictures)
            means, logs = UNITS * means.float(), logs.float().clamp(-12, 4)
            latents = means + torch.exp(0.5 * logs) * torch.randn_like(means)
            found = self.network.decode(latents / UNITS)
        found = found.float()
        parts = {"far": (found - pictures).abs().mean(), "edges": (edges(found) - edges(pictures)).abs().mean(),
                 "coarse": sum((F.avg_pool2d(found - pictures, n)).abs().mean() for n in (2, 4)),
                 "preview": (torch.einsum("bchw,ck->bkhw", means, PREVIEW) - F.avg_pool2d(pictures, 8)).abs().mean(),
                 "spread": (means.pow(2) + logs.exp() - 1 - logs).mean() / 2}
        self.descend(parts["far"] + parts["edges"] + 0.5 * parts["coarse"] + 0.5 * parts["preview"] + 3e-4 * parts["spread"], steps)
        return parts

    def keep_encoder(self):
        for part in (self.network.encoder, self.network.quant_conv):
            part.requires_grad_(False)

    @classmethod
    def load(cls, path):
        kept = torch.load(path, weights_only=False)
        return cls(kept["seed"]).take_up(kept)

    def start_from(self, path):
        """Takes the autoencoder of an exported model."""
        self.network.load_state_dict(part_of(load_file(path), "vae"))
        self.start_again()


def main():
    ask = options(__doc__, 6000, CHECKPOINT)
    ask.add_argument("--decoder", action="store_true")
    asked = ask.parse_args()
    training = VaeTraining.load(asked.checkpoint) if asked.checkpoint.exists() else VaeTraining(asked.seed)
    if asked.start and not asked.checkpoint.exists():
        training.start_from(asked.start)
        training.step = asked.done
    if asked.decoder:
        training.keep_encoder()
    pieces = Pieces()
    print(f"{sum(p.numel() for p in training.network.parameters()) / 1e6:.2f} M parameters, {len(pieces.pictures)} pictures, at step {training.step}")
    train(training, lambda step: pieces.batch(training.seed, step), asked.steps, asked.part, asked.checkpoint)


if __name__ == "__main__":
    main()
