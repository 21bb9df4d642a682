#!/usr/bin/env python3
"""Trains the colouriser, in parts that go on where the last one stopped.

    train.py [--steps N] [--part MINUTES] [--from FILE [--anew MODULE...]] [--rate R] [--seed N] [--only N]

The checkpoint is ~/.cache/darkroom/training/colour/checkpoint.pt; where it is gone, `--from` goes on from exported weights with a fresh
optimiser (`--done` says how many steps they had); modules that are named after `--anew` begin again. `--only` takes the first N photographs, which shows
whether the network can learn at all.
"""
import sys
from pathlib import Path

import torch

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent)]
from batches import GROWS, Pictures
from export import read
from loss import ColorClasses, loss
from network import DDColor, Shape
from parts import HALF, Training, options, train
from prepare import PICTURES
from sources import CACHE

CHECKPOINT = CACHE / "colour/checkpoint.pt"
RATE, LAST_RATE, WARM = 1e-3, 1e-5, 100
DECAY = 0.02       # of weights that are multiplied
CALM = 0.1         # of the rate, for the colour decoder: its norms come after the sums, and at the full rate its queries grew alike, or did not settle.
                   # Kept in the checkpoint, as DECAY is
AVERAGE = 0.998    # of the weights that are exported, over the steps
DROP = 0.1         # stochastic depth of the last block


def optimiser_of(network, rate):
    queries = {id(p) for p in network.decoder.color_decoder.parameters()}
    groups = [{"params": [p for p in network.parameters() if (id(p) in queries) == calm and (p.dim() > 1) == multiplied],
               "scale": CALM if calm else 1.0, "weight_decay": DECAY if multiplied else 0.0} for calm in (False, True) for multiplied in (False, True)]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


class ColorTraining(Training):
    def __init__(self, shape, seed, classes, rate=RATE):
        torch.manual_seed(seed)
        self.classes = classes
        self.network = DDColor(shape, DROP).to(memory_format=torch.channels_last).train()
        super().__init__(self.network, optimiser_of(self.network, rate), seed, AVERAGE, (rate, LAST_RATE, WARM))

    def advance(self, batch, steps):
        if self.step >= GROWS * steps:  # large squares are few in a batch: from here on the norms take what they have seen, as the file will
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        grey, wanted = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            ab, scores, vectors = self.network(grey)
        value, parts = loss(ab.float(), scores, vectors.float(), wanted, grey, self.classes)
        self.descend(value, steps)
        return parts

    def facts(self):
        return {"shape": self.network.shape}

    @classmethod
    def load(cls, path, classes, rate=RATE):
        kept = torch.load(path, weights_only=False)
        if kept["shape"].classes != classes.count:
            sys.exit(f"{path} knows {kept['shape'].classes} classes of colours, the pictures of now have {classes.count}: go on from exported weights (--from)")
        return cls(kept["shape"], kept["seed"], classes, rate).take_up(kept)

    def start_from(self, path, anew=()):
        """Takes exported weights; what is not among them (the classes' scores), and the modules `anew`, stay as they began."""
        inside = lambda name, module: name.startswith(module + ".")
        state = read(path)
        for module in anew:
            if not any(inside(name, module) for name in state):
                sys.exit(f"{path} has no module {module}")
        self.network.load_state_dict({name: value for name, value in state.items() if not any(inside(name, module) for module in anew)}, strict=False)
        self.start_again()


def main():
    ask = options(__doc__, 6000, CHECKPOINT)
    ask.add_argument("--anew", nargs="+", default=[], metavar="MODULE", help="modules of --from that begin again, such as decoder.color_decoder")
    ask.add_argument("--rate", type=float, default=RATE, help="the highest learning rate, to be said again for every part")
    ask.add_argument("--only", type=int, help="photographs to train on")
    asked = ask.parse_args()
    if asked.anew and not asked.start:
        ask.error("--anew is for what --from gives")
    pictures = Pictures(PICTURES, asked.only)
    classes = ColorClasses(pictures)
    if asked.checkpoint.exists():
        training = ColorTraining.load(asked.checkpoint, classes, asked.rate)
        print(f"goes on at step {training.step}, {training.seconds / 60:.1f} minutes so far")
    else:
        training = ColorTraining(Shape(classes=classes.count), asked.seed, classes, asked.rate)
        if asked.start:
            training.start_from(asked.start, asked.anew)
            training.step = asked.done
    print(f"{sum(p.numel() for p in training.network.parameters()) / 1e6:.2f} M parameters, {len(pictures.photographs)} photographs, {len(pictures.objects)} objects, {classes.count} classes")
    train(training, lambda step: pictures.batch(training.seed, step, step / asked.steps), asked.steps, asked.part, asked.checkpoint)


if __name__ == "__main__":
    main()
