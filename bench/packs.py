#!/usr/bin/env python3
"""Measures what a trivial node of a pack costs, beside native ones and, in the same interleaved run, beside a peer that runs the same pack.

    script/bench packs
    script/bench packs --peer-command 'python main.py --cpu --port 8290 --base-directory DIR' --peer-url http://127.0.0.1:8290 --peer-nodes DIR/custom_nodes

Chains of two lengths run with one socket that watches; the slope is the wall time of one node, every message told. The least of several
rounds counts.  Results go to standard output and bench/results/packs.json.
"""
import argparse
import asyncio
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import sys
import tempfile
import time

from server import BIN, ROOT, Target, run_watched

SHORT, LONG = 20, 220
SIDE = 4096  # pixels


def chain(node_class, field, start, length):
    """`start` through `length` nodes of a class into an output node."""
    prompt = {"s": start}
    for n in range(length):
        prompt[str(n)] = {"class_type": node_class, "inputs": {field: [str(n - 1) if n else "s", 0]}}
    prompt["end"] = {"class_type": "PreviewAny", "inputs": {"source": [str(length - 1), 0]}}
    return prompt


def integers(node_class):
    return lambda tag, length: chain(node_class, "value", {"class_type": "PrimitiveInt", "inputs": {"value": tag}}, length)


def pictures(tag, length):
    """The picture itself is in the cache after the first prompt; the tag makes what follows new."""
    prompt = chain("BenchPass", "image", {"class_type": "EmptyImage", "inputs": {"width": SIDE, "height": SIDE, "batch_size": 1, "color": 0x336699}}, length)
    prompt["0"]["inputs"]["tag"] = tag
    # What shows a picture would copy it: its width is enough.
    prompt["size"] = {"class_type": "GetImageSize", "inputs": {"image": [str(length - 1), 0]}}
    prompt["end"]["inputs"]["source"] = ["size", 0]
    return prompt


CHAINS = {"native integer": (integers("PrimitiveInt"), SHORT, LONG), "integer of a pack": (integers("BenchAdd"), SHORT, LONG), f"picture of {SIDE}x{SIDE} through a pack": (pictures, SHORT, LONG)}


def measure_round(target, number):
    for name, (make, short, long) in CHAINS.items():
        for length in (short, long):
            for again in range(5):
                tag = int(time.time() * 1e6) % 10**12 + number + again
                wall, cpu = asyncio.run(run_watched(target, make(tag, length), 120))
                target.keep(f"{name}: {length}: wall ms", wall * 1e3)
                target.keep(f"{name}: {length}: CPU ms", cpu * 1e3)
    reply = target.request("/prompt", {"prompt": {"1": {"class_type": "BenchOwnTime", "inputs": {"tag": int(time.time() * 1e6)}}, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}})
    target.wait_idle()
    time.sleep(0.2)
    target.keep("own time of the function: µs", float(target.request(f"/history/{reply['prompt_id']}")[reply["prompt_id"]]["outputs"]["2"]["text"][0]))


def slopes(target):
    figures = {"own time of the function: µs": target.figures["own time of the function: µs"]}
    for name, (_, short, long) in CHAINS.items():
        for kind in ("wall", "CPU"):
            figures[f"{name}: {kind} µs a node"] = (target.figures[f"{name}: {long}: {kind} ms"] - target.figures[f"{name}: {short}: {kind} ms"]) / (long - short) * 1e3
    return figures


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer-command")
    ap.add_argument("--peer-url")
    ap.add_argument("--peer-nodes", help="the peer's custom_nodes: the pack is put there for the run")
    ap.add_argument("--peer-name", default="peer")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--results", default=str(ROOT / "bench/results"))
    a = ap.parse_args()
    if len({bool(a.peer_command), bool(a.peer_url), bool(a.peer_nodes)}) != 1:
        ap.error("a peer needs --peer-command, --peer-url and --peer-nodes")
    pack = ROOT / "bench/pack"
    with tempfile.TemporaryDirectory() as base:
        shutil.copytree(pack, f"{base}/custom_nodes/darkroom_bench")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        targets = [Target("darkroom", f"http://127.0.0.1:{port}", f"{BIN}/darkroom serve --port {port} --base-directory {base} --verbose WARNING")]
        copied = pathlib.Path(a.peer_nodes, "darkroom_bench") if a.peer_nodes else None
        if copied:
            shutil.copytree(pack, copied, dirs_exist_ok=True)
            targets.append(Target(a.peer_name, a.peer_url, a.peer_command))
        try:
            for number in range(a.rounds):
                for target in targets:
                    target.start()
                    target.request("/object_info")
                    time.sleep(1)
                    measure_round(target, number)
                    target.stop()
                print(f"round {number + 1} of {a.rounds} done", file=sys.stderr)
        finally:
            for target in targets:
                target.stop()
            if copied:
                shutil.rmtree(copied)
    results = {target.name: slopes(target) for target in targets}
    for key in results["darkroom"]:
        print(f"{key:52}" + "".join(f"{figures[key]:14.2f}" for figures in results.values()))
    out = pathlib.Path(a.results)
    out.mkdir(parents=True, exist_ok=True)
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
    record = {"machine": {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release()}, "date": time.strftime("%Y-%m-%d"), "rounds": a.rounds, "targets": results}
    (out / "packs.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
