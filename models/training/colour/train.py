#!/usr/bin/env python3
"""Trains the colouriser, in parts that go on where the last one stopped.

    train.py [--steps N] [--part MINUTES] [--from FILE] [--seed N] [--only N]

The checkpoint is ~/.cache/darkroom/training/colour/checkpoint.pt; where it is gone, `--from` goes on from exported weights with a fresh
optimiser (`--done` says how many steps they had). `--only` takes the first N photographs, which shows whether the network can learn at all.
"""
import sys
from pathlib import Path

import torch

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from batches import Pictures
from export import read
from loss import ColorClasses, loss
from muon import of_network
from network import DDColor, Shape
from parts import HALF, Training, options, train
from prepare import PICTURES
from sources import CACHE

CHECKPOINT = CACHE / "colour/checkpoint.pt"
RATE, LAST_RATE, WARM = 5e-3, 1e-5, 50
AVERAGE = 0.998    # of the weights that are exported, over the steps
DROP = 0.1         # stochastic depth of the last block


class ColorTraining(Training):
    def __init__(self, shape, seed, classes):
        torch.manual_seed(seed)
        self.classes = classes
        self.network = DDColor(shape, DROP).to(memory_format=torch.channels_last).train()
        super().__init__(self.network, of_network(self.network, RATE), seed, AVERAGE, (RATE, LAST_RATE, WARM))

    def advance(self, batch, steps):
        grey, wanted = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            ab, scores, vectors = self.network(grey)
        value, parts = loss(ab.float(), scores, vectors.float(), wanted, grey, self.classes)
        self.descend(value, steps)
        return parts

    def facts(self):
        return {"shape": self.network.shape}

    @classmethod
    def load(cls, path, classes):
        kept = torch.load(path, weights_only=False)
        return cls(kept["shape"], kept["seed"], classes).take_up(kept)

    def start_from(self, path):
        """Takes exported weights; what is not among them (the classes' scores) stays as it began."""
        self.network.load_state_dict(read(path), strict=False)
        self.start_again()


def main():
    ask = options(__doc__, 6000, CHECKPOINT)
    ask.add_argument("--only", type=int, help="photographs to train on")
    asked = ask.parse_args()
    pictures = Pictures(PICTURES, asked.only)
    classes = ColorClasses(pictures)
    if asked.checkpoint.exists():
        training = ColorTraining.load(asked.checkpoint, classes)
        print(f"goes on at step {training.step}, {training.seconds / 60:.1f} minutes so far")
    else:
        training = ColorTraining(Shape(classes=classes.count), asked.seed, classes)
        if asked.start:
            training.start_from(asked.start)
            training.step = asked.done
    print(f"{sum(p.numel() for p in training.network.parameters()) / 1e6:.2f} M parameters, {len(pictures.photographs)} photographs, {len(pictures.objects)} objects, {classes.count} classes")
    train(training, lambda step: pictures.batch(training.seed, step, step / asked.steps), asked.steps, asked.part, asked.checkpoint)


if __name__ == "__main__":
    main()
