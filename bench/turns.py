"""The side of a bench that compares: processes that take turns, so that what else the machine does falls on all of them."""
import math
import os
import platform
import statistics
import subprocess
import sys


class Runner:
    """A process that makes one run a line (bench/turns.hpp)."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("did not start: " + " ".join(command[:2]))
        self.runs = []

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return [float(word) for word in line.split()] if line else sys.exit("ended: " + " ".join(self.process.args[:2]))

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def summary(self):
        wall, cpu, memory = zip(*self.runs)
        return {"wall_s": statistics.median(wall), "cpu_s": statistics.median(cpu), "peak_mb": max(memory)}


def take_turns(sides, rounds, tell=lambda name, run, number: None):
    """Medians by name after a round that warms up and `rounds` that count; ends the processes."""
    for number in range(rounds + 1):
        for name, side in sides.items():
            run = side.run()
            tell(name, run, number)
            if number:
                side.runs.append(run)
    for side in sides.values():
        side.close()
    return {name: side.summary() for name, side in sides.items()}


def times_faster(ours, peer):
    return {kind: peer[kind + "_s"] / ours[kind + "_s"] for kind in ("wall", "cpu")}


def decibels(result, reference, peak):
    """PSNR of arrays of floating point."""
    error = float(((result - reference) ** 2).mean())
    return math.inf if error == 0 else 10 * math.log10(peak ** 2 / error)


def machine():
    with open("/proc/cpuinfo") as info:
        cpu = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.processor())
    return {"cpu": cpu, "cores": os.cpu_count()}
