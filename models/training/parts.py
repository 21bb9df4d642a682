"""Training in parts: each ends after some minutes with a checkpoint, from which the next one goes on."""
import argparse
import math
import queue
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import torch

SAVE = 120  # seconds between checkpoints
HALF = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # whether bf16 is worth it on this processor


@contextmanager
def prepared(make, steps, ahead=4):
    """The batches of `steps`, made on a thread of its own while the network works."""
    ready, done = queue.Queue(ahead), threading.Event()

    def work():
        for step in steps:
            try:
                batch = make(step)
            except BaseException as fault:
                batch = fault
            while not done.is_set():
                try:
                    ready.put(batch, timeout=0.5)
                    break
                except queue.Full:
                    continue
            if done.is_set() or isinstance(batch, BaseException):
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield ready
    finally:
        done.set()
        thread.join()


def train(training, make, steps, minutes, checkpoint=None, every=50):
    """Trains until `steps` are done or `minutes` have passed.

    training: has `step` and `seconds` so far, `advance(batch, steps)` -> the parts of the loss by name, and `save(path)`.
    make: the number of a step -> its batch.
    """
    began = saved = shown = time.monotonic()
    before, sums, done = training.seconds, {}, training.step
    with prepared(make, range(training.step, steps)) as ready:
        while training.step < steps:
            batch = ready.get()
            if isinstance(batch, BaseException):
                raise batch
            for name, value in training.advance(batch, steps).items():
                sums[name] = sums.get(name, 0.0) + value.item()
            now = time.monotonic()
            training.seconds = before + now - began
            if training.step % every == 0:
                print(f"step {training.step}/{steps}  {training.seconds / 60:.1f} min  {(training.step - done) / (now - shown):.2f} steps/s  "
                      + "  ".join(f"{name} {value / (training.step - done):.4f}" for name, value in sums.items()), flush=True)
                sums, done, shown = {}, training.step, now
            over = now - began > minutes * 60
            if checkpoint and (over or now - saved > SAVE):
                training.save(checkpoint)
                saved = now
            if over:
                break
    if checkpoint:
        training.save(checkpoint)


def wave(step, steps, high, low, warm):
    """A learning rate: up over `warm` steps, then down along a cosine."""
    if step < warm:
        return high * (step + 1) / warm
    along = min(1, (step - warm) / max(1, steps - warm))
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * along))


class Average:
    """The running average of a network's weights."""

    def __init__(self, network, kept):
        self.kept, self.weights = kept, {k: v.clone() for k, v in network.state_dict().items()}

    def take(self, network, step):
        kept = min(self.kept, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.is_floating_point():
                    self.weights[name].lerp_(value, 1 - kept)


class Training:
    """A network, its optimiser, the running average of its weights, and how far they have come."""

    def __init__(self, network, optimiser, seed, kept, rates):
        """kept: as in Average; rates: (highest, last, steps of warming up), which a group of the optimiser may multiply by its `scale`."""
        self.whole, self.optimiser, self.average, self.rates = network, optimiser, Average(network, kept), rates
        self.seed, self.step, self.seconds = seed, 0, 0.0

    def descend(self, loss, steps):
        """One step of `steps` against the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = wave(self.step, steps, *self.rates) * group.get("scale", 1)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.whole.parameters(), 1.0)
        self.optimiser.step()
        self.average.take(self.whole, self.step)
        self.step += 1

    def facts(self):
        """What a checkpoint has beside the common parts."""
        return {}

    def save(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        torch.save({"network": self.whole.state_dict(), "average": self.average.weights, "optimiser": self.optimiser.state_dict(), "seed": self.seed, "step": self.step,
                    "seconds": self.seconds, "random": torch.get_rng_state(), **self.facts()}, new)
        new.replace(path)

    def take_up(self, kept):
        """Goes on where the checkpoint stopped."""
        self.whole.load_state_dict(kept["network"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.average.weights, self.step, self.seconds = kept["average"], kept["step"], kept["seconds"]
        torch.set_rng_state(kept["random"])
        return self

    def start_again(self):
        """With weights that were given to the network: a fresh average."""
        self.average = Average(self.whole, self.average.kept)


def options(description, steps, checkpoint):
    """The options of every training."""
    ask = argparse.ArgumentParser(description=description.split("\n")[0])
    ask.add_argument("--steps", type=int, default=steps, help="of the whole training; may change from part to part")
    ask.add_argument("--part", type=float, default=90, help="minutes after which this part ends")
    ask.add_argument("--from", dest="start", type=Path, help="exported weights, when there is no checkpoint")
    ask.add_argument("--done", type=int, default=0, help="steps that the exported weights had")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--checkpoint", type=Path, default=checkpoint)
    return ask
