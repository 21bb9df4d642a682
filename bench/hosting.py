#!/usr/bin/env python3
"""Measures jobs a second and how long their clients wait, with many clients at once.

usage: hosting.py [--comfyui URL] [--clients 1,100,1000] [--rate N] [--rounds N] [--seconds N] [--short] [--results FOLDER]

A job goes from POST /prompt to the reply of GET /history/{id}: a number and a node that shows it, no two alike. Each client has a WebSocket,
and every message on it is checked: none may be lost, out of order or untrue.

  closed loop   each client sends its next job when the last one is answered; ComfyUI by turns where --comfyui names one that runs and that
                nobody else uses
  open loop     --rate jobs a second from as many clients as the most of --clients, whatever the server does; a wait counts from when the job was due

Rounds go by turns, medians count. The CPU of server (with its workers) and of the load generator (bench/hosting.cpp) are told apart. A table goes to
standard output, everything to bench/results/hosting.json, plots beside it. Exit status 1: a fault of ours.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import urllib.parse

import plot
from server import BIN, ROOT, Target, cpu_seconds
from sides.server import free_port, pid_of_port
from turns import machine, take_turns

PERCENTILES = ("p50", "p90", "p99", "p99.9")
RATIO_OF_ONE, RATIO_OF_HUNDRED, ANSWERED_WITHIN_MS = 3, 20, 250  # to reach on two cores


class Load:
    """One server under one load, a run at a time."""

    def __init__(self, target, clients, warm_up, seconds, rate=0):
        self.target, self.runs, self.faults = target, [], {}
        host = urllib.parse.urlparse(target.url)
        self.command = [str(BIN / "darkroom-bench-hosting"), "127.0.0.1" if host.hostname == "localhost" else host.hostname, str(host.port),
                        str(clients), str(warm_up), str(seconds)] + ([str(rate)] if rate else [])

    def run(self):
        self.target.wait_idle()
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True) as generator:
            self.expect(generator, "measuring")
            cpu = cpu_seconds(self.target.pid)
            self.expect(generator, "measured")
            cpu = cpu_seconds(self.target.pid) - cpu
            report = json.loads(generator.stdout.readline())
        if report["faults"]["unanswered_jobs"]:
            self.target.request("/queue", {"clear": True})
        for kind, count in report["faults"].items():
            self.faults[kind] = self.faults.get(kind, 0) + count
        of_a_job = lambda cpu_s: cpu_s / report["jobs"] * 1e3 if report["jobs"] else None
        return {"jobs_per_second": report["jobs_per_second"], **{p: report["latency_ms"].get(p) for p in PERCENTILES},
                "server_cpu_ms_a_job": of_a_job(cpu), "server_cores": cpu / report["seconds"],
                "generator_cpu_ms_a_job": of_a_job(report["generator_cpu_s"]), "generator_cores": report["generator_cpu_s"] / report["seconds"],
                "statuses_per_socket_and_second": report["statuses_per_socket_and_second"], "sent_late_p99_ms": report["sent_late_ms"].get("p99")}

    def expect(self, generator, word):
        if generator.stdout.readline().strip() != word:
            sys.exit(f"{self.target.name}: the load ended: {' '.join(self.command)}")

    def close(self):
        pass

    def summary(self):
        medians = {}
        for key in self.runs[0]:
            values = [run[key] for run in self.runs if run[key] is not None]
            medians[key] = statistics.median(values) if values else None
        return {**medians, "faults": self.faults}


def measure(args, ours, peer):
    def tell(label):
        return lambda name, run, number: print(f"{label}, {name}: {run['jobs_per_second']:.1f} jobs a second, p99 {run['p99'] or 0:.1f} ms"
                                               + ("" if number else " (first)"), file=sys.stderr, flush=True)

    closed = {}
    for clients in args.clients:
        warm_up = 2 if clients < 1000 else 5
        closed[str(clients)] = take_turns({target.name: Load(target, clients, warm_up, args.seconds) for target in (ours, peer) if target}, args.rounds,
                                          tell(f"closed loop, {crowd(clients)}"))
    most = max(args.clients)
    opened = take_turns({ours.name: Load(ours, most, 2, args.seconds, args.rate)}, args.rounds, tell(f"open loop, {crowd(most)}"))
    return {"closed": closed, "open": {"clients": most, "rate": args.rate, **opened}}


def crowd(count):
    return f"{count} client" + ("" if int(count) == 1 else "s")


def goals(result):
    """What is to be reached, as far as it was measured."""
    def ratio(clients):
        sides = result["closed"].get(clients, {})
        return sides["darkroom"]["jobs_per_second"] / sides["ComfyUI"]["jobs_per_second"] if sides.get("ComfyUI", {}).get("jobs_per_second") else None

    found = []
    for clients, wanted in (("1", RATIO_OF_ONE), ("100", RATIO_OF_HUNDRED)):
        if got := ratio(clients):
            found.append({"what": f"times ComfyUI's jobs a second, {crowd(clients)}", "wanted": wanted, "got": got, "met": got >= wanted})
    opened = result["open"]
    late = opened["darkroom"]["p99"]
    found.append({"what": f"ms until 99 % of {opened['rate']:g} jobs a second are answered, {opened['clients']} sockets", "wanted": ANSWERED_WITHIN_MS, "got": late,
                  "met": late is not None and late <= ANSWERED_WITHIN_MS})
    faults = sum(our_faults(result).values())
    found.append({"what": "messages lost, out of order or untrue, jobs without their result", "wanted": 0, "got": faults, "met": faults == 0})
    return found


def our_faults(result):
    total = {}
    for sides in [*result["closed"].values(), result["open"]]:
        for kind, count in sides["darkroom"]["faults"].items():
            total[kind] = total.get(kind, 0) + count
    return total


def rows_of(result):
    for clients, sides in result["closed"].items():
        for name, side in sides.items():
            yield f"closed, {crowd(clients)}, {name}", side
    yield f"open, {result['open']['rate']:g} a second, {crowd(result['open']['clients'])}, darkroom", result["open"]["darkroom"]


def column(value, width, digits):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def print_table(result):
    print(f"\n{'':44}{'jobs/s':>9}" + "".join(f"{p + ' ms':>10}" for p in PERCENTILES) + f"{'CPU ms a job':>14}{'generator':>11}{'faults':>8}")
    for label, side in rows_of(result):
        waits = "".join(column(side[p], 10, 1) for p in PERCENTILES)
        cpu = column(side["server_cpu_ms_a_job"], 14, 2) + column(side["generator_cpu_ms_a_job"], 11, 2)
        print(f"{label:44}{side['jobs_per_second']:9.1f}{waits}{cpu}{sum(side['faults'].values()):8d}")
    for goal in result["goals"]:
        print(f"{'met' if goal['met'] else 'MISSED':8}{goal['what']}: {goal['got']:.4g} (wanted {goal['wanted']})")


class Figures:
    def __init__(self, figures):
        self.figures = figures


def draw(result, folder):
    """Ratios to the peer where there is one, and the waits of all."""
    ours, theirs = {}, {}
    for clients, sides in result["closed"].items():
        if "ComfyUI" not in sides:
            continue
        for label, key in (("jobs per second", "jobs_per_second"), ("median wait", "p50"), ("99 % wait", "p99"), ("CPU a job", "server_cpu_ms_a_job")):
            ours[f"{label}, {crowd(clients)}"], theirs[f"{label}, {crowd(clients)}"] = sides["darkroom"][key], sides["ComfyUI"][key]
    title = f"Many clients, {result['machine']['cpu']}: times better than ComfyUI"
    if ours:
        (folder / "hosting.svg").write_text(plot.bars(title, Figures(ours), Figures(theirs)))
    series = {label.replace(" a second", "/s"): [side[p] for p in PERCENTILES] for label, side in rows_of(result) if all(side[p] for p in PERCENTILES)}
    (folder / "hosting-waits.svg").write_text(plot.lines("How long clients wait for a job, ms", [p[1:] + " %" for p in PERCENTILES], series))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfyui", metavar="URL", help="one that runs on this machine, with nothing in its queue")
    parser.add_argument("--clients", type=lambda text: [int(word) for word in text.split(",")], default=[1, 100, 1000])
    parser.add_argument("--rate", type=float, default=200, help="jobs a second of the open loop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="what counts of each round")
    parser.add_argument("--short", action="store_true", help="one round of three seconds, for a look")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    args = parser.parse_args()
    if args.short:
        args.rounds, args.seconds = 1, 3
    began_load = os.getloadavg()
    with tempfile.TemporaryDirectory() as base:
        port = free_port()
        ours = Target("darkroom", f"http://127.0.0.1:{port}", f"{BIN}/darkroom serve --port {port} --base-directory {base} --verbose WARNING")
        peer = Target("ComfyUI", args.comfyui, pid=pid_of_port(urllib.parse.urlparse(args.comfyui).port)) if args.comfyui else None
        try:
            ours.start()
            ours.request("/object_info")  # answers once a worker is there
            result = measure(args, ours, peer)
        finally:
            ours.stop()
    result = {"machine": machine(), "date": datetime.date.today().isoformat(), "rounds": args.rounds, "seconds": args.seconds,
              "load_average": {"begin": began_load, "end": os.getloadavg()}, "goals": goals(result), **result}
    print_table(result)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "hosting.json").write_text(json.dumps(result, indent=1) + "\n")
    draw(result, args.results)
    sys.exit(1 if sum(our_faults(result).values()) else 0)


if __name__ == "__main__":
    main()
