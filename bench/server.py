#!/usr/bin/env python3
"""Measures Darkroom and, in the same interleaved run, a peer that speaks the same protocol.

    script/bench server
    script/bench server --peer-command 'python main.py --cpu --port 8290' --peer-url http://127.0.0.1:8290
    script/bench server --peer-pid 1234 --peer-url http://127.0.0.1:8188

Every figure is the best of several rounds, ours and the peer's by turns; CPU is the sum over the server's process and its
children. A table goes to standard output, everything to bench/results/server.json, and a plot to bench/results/server.svg.
"""
import argparse
import asyncio
import json
import os
import pathlib
import platform
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = ROOT / "build/release/bin"
sys.path.insert(0, str(ROOT / "bench"))
from plot import bars  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and all below it."""
    pids = [pid]
    for p in pids:
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                pids += [int(c) for c in pathlib.Path(f"/proc/{p}/task/{task}/children").read_text().split()]
        except OSError:
            pass
    return pids


def cpu_seconds(pid):
    total = 0.0
    for p in tree(pid):
        try:
            # schedstat counts nanoseconds; /proc/PID/stat only ticks of 10 ms.
            for task in os.listdir(f"/proc/{p}/task"):
                total += int(pathlib.Path(f"/proc/{p}/task/{task}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            pass
    return total


def rss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


class Target:
    def __init__(self, name, url, command=None, pid=None):
        self.name, self.url, self.command, self.pid = name, url.rstrip("/"), command, pid
        self.host, self.port = re.match(r"http://([^:/]+):(\d+)", self.url).groups()
        self.process = None
        self.figures = {}

    def start(self):
        """Starts it and gives the seconds to its first answer; nothing for a process that runs already."""
        if not self.command:
            return None
        began = time.perf_counter()
        self.process = subprocess.Popen(shlex.split(self.command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.process.pid
        while True:
            try:
                with socket.create_connection((self.host, int(self.port)), timeout=1) as s:
                    s.sendall(b"GET /prompt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if s.recv(1024).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - began
            except OSError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended at once: {self.command}")
            if time.perf_counter() - began > 180:
                raise SystemExit(f"{self.name} did not answer within 180 s")
            time.sleep(0.001)

    def stop(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def request(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}), timeout=120) as r:
            text = r.read()
        return json.loads(text) if text else None

    def wait_idle(self, seconds=300):
        end = time.time() + seconds
        while self.request("/prompt")["exec_info"]["queue_remaining"]:
            if time.time() > end:
                raise TimeoutError
            time.sleep(0.02)

    def keep(self, key, value, better=min):
        if value is not None:
            self.figures[key] = better(self.figures[key], value) if key in self.figures else value


def chain(length, tag):
    """A chain of integer primitives that ends in an output node; `tag` makes it new to every cache."""
    prompt = {"0": {"class_type": "PrimitiveInt", "inputs": {"value": tag}}}
    for n in range(1, length - 1):
        prompt[str(n)] = {"class_type": "PrimitiveInt", "inputs": {"value": [str(n - 1), 0]}}
    prompt[str(length - 1)] = {"class_type": "PreviewAny", "inputs": {"source": [str(length - 2), 0]}}
    return prompt


async def run_watched(target, prompt, seconds):
    """One prompt with one watching socket; (wall seconds, CPU seconds of all processes)."""
    from websockets.asyncio.client import connect
    client = uuid.uuid4().hex
    async with connect(f"ws://{target.host}:{target.port}/ws?clientId={client}", max_size=None, compression=None) as ws:
        await ws.recv()
        cpu, began = cpu_seconds(target.pid), time.perf_counter()
        reply = await asyncio.to_thread(target.request, "/prompt", {"prompt": prompt, "client_id": client})
        end = f'"prompt_id":"{reply["prompt_id"]}"'
        while True:
            text = await asyncio.wait_for(ws.recv(), seconds)
            if isinstance(text, str) and '"executing"' in text and re.search(r'"node": ?null', text) and end in text.replace(": ", ":"):
                break
        wall = time.perf_counter() - began
        await asyncio.sleep(0.05)
        return wall, cpu_seconds(target.pid) - cpu


def wrk(target, path, seconds=3, script=None):
    """(requests per second of wall time, per second of the server's CPU) with 8 kept connections."""
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s"] + (["-s", script] if script else []) + [target.url + path]
    cpu = cpu_seconds(target.pid)
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = cpu_seconds(target.pid) - cpu
    count, wall = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    if re.search(r"Non-2xx", out):
        raise SystemExit(f"{target.name}: {path} did not answer 200:\n{out}")
    return int(count) / float(wall), int(count) / cpu


POST_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, '{"prompt":{"1":{"class_type":"PrimitiveInt","inputs":{"value":' .. (SEED + n) ..
    '}},"2":{"class_type":"PreviewAny","inputs":{"source":["1",0]}}}}')
end
"""


def fan_out(target, count):
    """(CPU ms of the server for one broadcast, wall ms until every socket has it, memory MB of the server with the sockets)."""
    client = subprocess.Popen([str(BIN / "darkroom-bench-fanout"), target.host, target.port, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if client.stdout.readline() != "ready\n":
        return None
    time.sleep(0.5)
    memory, best_cpu, best_wall = rss_mb(target.pid), 1e9, 1e9
    for _ in range(7):
        cpu = cpu_seconds(target.pid)
        target.request("/queue", {"clear": True})  # one `status` to everybody
        client.stdin.write("\n")
        client.stdin.flush()
        wall = float(client.stdout.readline().split()[1]) / 1e3
        time.sleep(0.1)
        best_cpu, best_wall = min(best_cpu, (cpu_seconds(target.pid) - cpu) * 1e3), min(best_wall, wall)
    client.stdin.close()
    client.wait()
    return best_cpu, best_wall, memory


def bare_send(count, size=90):
    out = subprocess.run([str(BIN / "darkroom-bench-fanout"), "--bare", str(count), str(size)], capture_output=True, text=True, check=True).stdout
    return float(out.split()[1]) / 1e3


def measure_round(target, number, sizes, sockets, quick):
    seconds = 1 if quick else 3
    for size in sizes:
        if target.figures.get(f"chain {size}: gave up"):
            continue
        try:
            for again in range(8 if size <= 100 else 1):  # short ones are mostly noise
                tag = int(time.time() * 1000) % 10**9 + number + again
                wall, cpu = asyncio.run(run_watched(target, chain(size, tag), 120))
                target.keep(f"chain of {size}: CPU ms", cpu * 1e3)
                target.keep(f"chain of {size}: wall ms", wall * 1e3)
                wall, cpu = asyncio.run(run_watched(target, chain(size, tag), 120))
                target.keep(f"chain of {size} again, cached: CPU ms", cpu * 1e3)
        except (TimeoutError, asyncio.TimeoutError):
            target.figures[f"chain {size}: gave up"] = 120
            target.request("/interrupt", {})
            target.wait_idle()
    wall, per_cpu = wrk(target, "/queue", seconds)
    target.keep("GET /queue per second", wall, max)
    target.keep("GET /queue per CPU second", per_cpu, max)
    wall, per_cpu = wrk(target, "/object_info", seconds)
    target.keep("GET /object_info per second", wall, max)
    target.keep("GET /object_info per CPU second", per_cpu, max)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(POST_SCRIPT.replace("SEED", str(int(time.time()) % 10**6 * 1000)))
        script.flush()
        wall, per_cpu = wrk(target, "/prompt", 1, script.name)
    target.request("/queue", {"clear": True})
    target.wait_idle()
    target.request("/history", {"clear": True})
    if wall:  # some servers answer none within the second
        target.keep("POST /prompt per second", wall, max)
    for count in sockets:
        figures = fan_out(target, count)
        if figures:
            target.keep(f"broadcast to {count}: CPU ms", figures[0])
            target.keep(f"broadcast to {count}: wall ms", figures[1])
            target.keep(f"memory with {count} sockets: MB", figures[2])


def slope(figures):
    """CPU µs a node between a chain of 100 and the longest that was run, and what a job costs beside its nodes."""
    lengths = sorted(int(m.group(1)) for k in figures if (m := re.fullmatch(r"chain of (\d+): CPU ms", k)))
    low, high = 100, lengths[-1]
    if high <= low:
        return
    figures["CPU µs a node (slope)"] = (figures[f"chain of {high}: CPU ms"] - figures[f"chain of {low}: CPU ms"]) / (high - low) * 1e3
    if "chain of 3: CPU ms" in figures:
        fixed = figures["chain of 3: CPU ms"] - 3 * figures["CPU µs a node (slope)"] / 1e3
        if fixed > 0:  # a server whose time grows faster than the graph has no line to read it from
            figures["CPU ms a job (fixed)"] = fixed


def table(ours, peer, bare):
    keys = list(dict.fromkeys([*ours.figures, *(peer.figures if peer else [])]))
    print(f"\n{'':44}{ours.name:>14}" + (f"{peer.name:>14}{'ratio':>9}" if peer else ""))
    for key in keys:
        a, b = ours.figures.get(key), peer.figures.get(key) if peer else None
        line = f"{key:44}" + (f"{a:14.2f}" if a is not None else f"{'-':>14}")
        if peer:
            line += f"{b:14.2f}" if b is not None else f"{'-':>14}"
            if a and b:
                line += f"{(a / b if 'per ' in key else b / a):8.1f}x"
        print(line)
    for count, ms in bare.items():
        print(f"{'bare send() to ' + str(count) + ' sockets: CPU ms':44}{ms:14.2f}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer-command")
    ap.add_argument("--peer-url")
    ap.add_argument("--peer-pid", type=int)
    ap.add_argument("--peer-name", default="peer")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--sizes", default="3,100,1000,10000")
    ap.add_argument("--peer-sizes", default="3,100,500", help="longer chains take the original minutes")
    ap.add_argument("--sockets", default="1000,10000")
    ap.add_argument("--quick", action="store_true", help="shorter rounds, for a look")
    ap.add_argument("--results", default=str(ROOT / "bench/results"))
    a = ap.parse_args()
    if bool(a.peer_command or a.peer_pid) != bool(a.peer_url):
        ap.error("a peer needs --peer-url and one of --peer-command and --peer-pid")

    with tempfile.TemporaryDirectory() as base:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        ours = Target("darkroom", f"http://127.0.0.1:{port}", f"{BIN}/darkroom serve --port {port} --base-directory {base} --verbose WARNING --max-queue 1000000")
        peer = Target(a.peer_name, a.peer_url, a.peer_command, a.peer_pid) if a.peer_url else None
        targets = [t for t in (ours, peer) if t]
        sizes = {ours: [int(n) for n in a.sizes.split(",")], peer: [int(n) for n in a.peer_sizes.split(",")]}
        bare = {}
        try:
            for number in range(a.rounds):
                for target in targets:
                    seconds = target.start()
                    target.keep("start to first answer: ms", seconds and seconds * 1e3)
                    target.request("/object_info")
                    target.wait_idle()
                    time.sleep(1)
                    target.keep("resident when idle: MB", rss_mb(target.pid))
                    measure_round(target, number, sizes[target], [int(n) for n in a.sockets.split(",")], a.quick)
                    target.stop()
                for count in (int(n) for n in a.sockets.split(",")):
                    bare[count] = min(bare.get(count, 1e9), bare_send(count))
                print(f"round {number + 1} of {a.rounds} done", file=sys.stderr)
        finally:
            for target in targets:
                target.stop()
    for target in targets:
        slope(target.figures)
    table(ours, peer, bare)
    out = pathlib.Path(a.results)
    out.mkdir(parents=True, exist_ok=True)
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
    record = {"machine": {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release()}, "date": time.strftime("%Y-%m-%d"),
              "rounds": a.rounds, "bare_send_cpu_ms": bare, "targets": {t.name: t.figures for t in targets}}
    (out / "server.json").write_text(json.dumps(record, indent=1) + "\n")
    (out / "server.svg").write_text(bars("Server: ratio to the peer (longer is better)", ours, peer))


if __name__ == "__main__":
    main()
