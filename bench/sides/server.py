"""A server that makes a picture, timed from outside by the messages of its WebSocket: the same code for Darkroom and for ComfyUI."""
import io
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse
import urllib.request
import uuid

from websockets.sync.client import connect

LOADER, POSITIVE, NEGATIVE, LATENT, SAMPLER, DECODER, SAVER = "1", "2", "3", "4", "5", "6", "7"


def workflow(checkpoint, size, steps, seed):
    node = lambda kind, **inputs: {"class_type": kind, "inputs": inputs}
    return {
        LOADER: node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        POSITIVE: node("CLIPTextEncode", text="a photograph of a lighthouse at dusk, waves", clip=[LOADER, 1]),
        NEGATIVE: node("CLIPTextEncode", text="blurry, low quality", clip=[LOADER, 1]),
        LATENT: node("EmptyLatentImage", width=size, height=size, batch_size=1),
        SAMPLER: node("KSampler", model=[LOADER, 0], positive=[POSITIVE, 0], negative=[NEGATIVE, 0], latent_image=[LATENT, 0], seed=seed,
                      steps=steps, cfg=7.0, sampler_name="euler", scheduler="normal", denoise=1.0),
        DECODER: node("VAEDecode", samples=[SAMPLER, 0], vae=[LOADER, 2]),
        SAVER: node("SaveImage", images=[DECODER, 0], filename_prefix="bench"),
    }


class Run:
    """What one job's messages say. Seconds."""

    def __init__(self, submitted, events, ended):
        self.total = ended - submitted
        self.steps, self.nodes, running, since = [], {}, None, submitted
        last_step = None
        for when, kind, data in events:
            if kind == "executing":
                if running is not None:
                    self.nodes[running] = self.nodes.get(running, 0) + when - since
                running, since = data["node"], when
            elif kind == "progress" and data.get("node") == SAMPLER:
                if last_step is not None:
                    self.steps.append(when - last_step)
                else:
                    self.first = when - submitted
                last_step = when
        self.step = statistics.median(self.steps)
        self.overhead = self.first - self.step
        self.load, self.decode = self.nodes.get(LOADER, 0), self.nodes.get(DECODER, 0)
        self.encode = self.nodes.get(POSITIVE, 0) + self.nodes.get(NEGATIVE, 0)

    def others(self, steps):
        """Share of the whole that is neither sampling nor decoding, when model and texts are there already."""
        return max(0.0, 1 - (steps * self.step + self.decode) / self.total)


class ServerSide:
    def __init__(self, name, url, process=None):
        self.name, self.url, self.process = name, url.rstrip("/"), process
        self.checkpoint = None

    @classmethod
    def start_darkroom(cls, program, base, precision, port, threads):
        log = open(base / "server.log", "ab")
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        process = subprocess.Popen([program, "serve", "--port", str(port), "--base-directory", base, "--precision", precision], stdout=log, stderr=log, env=environment)
        side = cls("darkroom", f"http://127.0.0.1:{port}", process)
        end = time.monotonic() + 60
        while True:
            try:
                side.get("/object_info/KSampler")
                return side
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"darkroom did not start; see {base}/server.log")
                time.sleep(0.2)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=120) as reply:
            return reply.read()

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return reply.read()

    def find_checkpoint(self, file_name):
        names = json.loads(self.get("/object_info/CheckpointLoaderSimple"))["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
        names = names[1]["options"] if names[0] == "COMBO" else names[0]
        self.checkpoint = next((name for name in names if name.endswith(file_name)), None)
        if not self.checkpoint:
            raise SystemExit(f"{self.url} does not list {file_name}: put a link to it into its models/checkpoints")

    def forget(self):
        """Models and results go. The jobs behind the request wait until that is done."""
        self.post("/free", {"unload_models": True, "free_memory": True})
        time.sleep(2)

    def run(self, size, steps, seed):
        client = uuid.uuid4().hex
        address = re.sub(r"^http", "ws", self.url) + f"/ws?clientId={client}"
        with connect(address, max_size=None, compression=None, open_timeout=60, ping_timeout=None) as socket_:
            submitted = time.monotonic()
            body = {"prompt": workflow(self.checkpoint, size, steps, seed), "client_id": client}
            prompt_id = json.loads(self.post("/prompt", body))["prompt_id"]
            events = []
            while True:
                message = socket_.recv(timeout=3600)
                when = time.monotonic()
                if isinstance(message, bytes):
                    continue
                message = json.loads(message)
                kind, data = message["type"], message["data"]
                if data.get("prompt_id") != prompt_id:
                    continue
                if kind == "execution_error":
                    raise SystemExit(f"{self.name}: {data['node_type']}: {data['exception_message']}")
                events.append((when, kind, data))
                if kind == "executing" and data["node"] is None:
                    break
        self.last = prompt_id
        return Run(submitted, events, when)

    def picture(self):
        """The last job's, as numbers from 0 to 255."""
        import numpy
        from PIL import Image

        item = json.loads(self.get(f"/history/{self.last}"))[self.last]["outputs"][SAVER]["images"][0]
        data = self.get("/view?" + urllib.parse.urlencode({key: item[key] for key in ("filename", "subfolder", "type")}))
        return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)

    # ---- memory: the server may run on this machine without being ours
    def pids(self):
        root = self.process.pid if self.process else pid_of_port(urllib.parse.urlparse(self.url).port)
        return [] if root is None else [root, *descendants(root)]

    def reset_peak(self):
        for pid in self.pids():
            try:
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass

    def peak_mb(self):
        total = 0
        for pid in self.pids():
            try:
                total += int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
            except (OSError, TypeError):
                pass
        return total // 1024 or None


def descendants(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def pid_of_port(port):
    """The process that listens there; nothing when it is on another machine or somebody else's."""
    inodes = {line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port}
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link)[8:-1] in inodes:
                return int(link.parts[2])
        except OSError:
            continue
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
