"""Starts the real programs and talks to them as a client would."""
import copy
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time
import uuid

import httpx
from websockets.sync.client import connect

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DARKROOM_BIN", ROOT / "build/release/bin"))
DATA = ROOT / "tests/data"
CACHE = pathlib.Path(os.environ.get("DARKROOM_CACHE", pathlib.Path.home() / ".cache/darkroom"))
GOLDEN_MODELS = pathlib.Path(os.environ.get("DARKROOM_GOLDEN_MODELS", CACHE / "models-test/golden"))
RESTORE_MODELS = pathlib.Path(os.environ.get("DARKROOM_RESTORE_MODELS", CACHE / "models-test/restore"))
ALL = os.environ.get("DARKROOM_TEST_ALL") == "1"
TEST_WORKER = BIN / "darkroom-test-worker"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until `condition()` is true; what it returned last."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Server:
    """One `darkroom serve` with a base folder of its own. `with Server(folder) as server: ...`"""

    def __init__(self, base, *flags, test_worker=False, env=None, prefix=(), ca=None, headers=None, precision="fp32"):
        """`prefix`: a command that starts the server; `ca`: the certificate to trust, for a server with TLS; `headers`: of every request."""
        self.base, self.port, self.flags, self.prefix = pathlib.Path(base), free_port(), ["--precision", precision, *flags], list(prefix)
        if test_worker:
            self.flags += ["--worker-program", str(TEST_WORKER)]
        self.url = f"{'https' if ca else 'http'}://127.0.0.1:{self.port}"
        self.env = {**os.environ, **(env or {})}
        self.process = self.log = None
        self.http = httpx.Client(base_url=self.url, timeout=60, verify=ssl.create_default_context(cafile=ca) if ca else True, headers=headers)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.http.close()

    def start(self, ready=True):
        self.base.mkdir(parents=True, exist_ok=True)
        self.log = open(self.base / "server.log", "ab")
        self.process = subprocess.Popen(
            [*self.prefix, str(BIN / "darkroom"), "serve", "--port", str(self.port), "--base-directory", str(self.base), *self.flags],
            stdout=self.log, stderr=self.log, env=self.env)
        self.wait_until_listening()
        if ready:
            self.http.get("/object_info", timeout=40).raise_for_status()

    def wait_until_listening(self, seconds=10):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
            try:
                return self.http.get("/prompt").status_code in (200, 401)
            except httpx.TransportError:
                return False
        wait_for(answers, seconds, "the server listens")

    def stop(self, seconds=15):
        """SIGTERM, and the exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError(f"the server did not stop within {seconds} s of SIGTERM:\n{self.log_text()[-3000:]}")
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log_text(self):
        return (self.base / "server.log").read_text(errors="replace")

    def worker_pids(self):
        pids = []
        for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                if b"worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    pids.append(int(pid))
            except (FileNotFoundError, ProcessLookupError):
                pass  # it died between the two looks
        return pids

    def as_somebody(self, headers):
        """The same server, asked with other headers: by another user."""
        one = copy.copy(self)
        one.http = httpx.Client(base_url=self.url, timeout=60, headers=headers)
        return one

    # ---- the API
    def get(self, path, **kw):
        return self.http.get(path, **kw)

    def json(self, path, **kw):
        reply = self.http.get(path, **kw)
        reply.raise_for_status()
        return reply.json()

    def post(self, path, body=None, **kw):
        return self.http.post(path, json=body, **kw)

    def queue(self, prompt, client_id=None, **fields):
        """POST /prompt; the prompt_id of an accepted one."""
        body = {"prompt": prompt, **fields}
        if client_id:
            body["client_id"] = client_id
        reply = self.post("/prompt", body)
        assert reply.status_code == 200, reply.text
        return reply.json()["prompt_id"]

    def wait(self, prompt_id, seconds=60):
        return wait_for(lambda: self.json(f"/history/{prompt_id}").get(prompt_id), seconds, f"job {prompt_id} ends")

    def run(self, prompt, seconds=60, **fields):
        """Queues, waits, and gives the history entry."""
        return self.wait(self.queue(prompt, **fields), seconds)

    def upload(self, name, data, route="/upload/image", **fields):
        return self.http.post(route, files={"image": (name, data)}, data=fields)

    def view(self, item):
        reply = self.get("/view", params={k: item[k] for k in ("filename", "subfolder", "type")})
        reply.raise_for_status()
        return reply.content

    def socket(self, client_id=None, **kw):
        return connect(f"ws://127.0.0.1:{self.port}/ws?clientId={client_id or uuid.uuid4().hex}", max_size=None, compression=None, **kw)


def messages_until_end(ws, prompt_id, seconds=60):
    """Everything that a socket gets until `executing` null of the prompt: (type, data) pairs and bytes."""
    out, end = [], time.monotonic() + seconds
    while True:
        raw = ws.recv(timeout=max(0.01, end - time.monotonic()))
        if isinstance(raw, bytes):
            out.append(raw)
            continue
        message = json.loads(raw)
        out.append((message["type"], message["data"]))
        if message["type"] == "executing" and message["data"]["node"] is None and message["data"]["prompt_id"] == prompt_id:
            return out


def link_golden_models(base):
    """The small random-weight models as the models folder of a server that is yet to start."""
    (base / "models").mkdir()
    for folder in GOLDEN_MODELS.iterdir():
        if folder.is_dir():
            (base / "models" / folder.name).symlink_to(folder)


def empty_image(prefix, color=0, size=16):
    """The smallest prompt that leaves a file."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": size, "height": size, "batch_size": 1, "color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def upscale(image, model="realesr-animevideov3-x4.param", prefix="upscaled"):
    """The main job: a photograph through the real Real-ESRGAN network."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": model}},
        "3": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["2", 0], "image": ["1", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": prefix}},
    }
