"""Drives a Darkroom or ComfyUI server: queue a workflow, follow it, fetch and save what it made.

Needs websockets (pip install websockets); everything else is Python's own.

    client = Client("http://127.0.0.1:8188")
    workflow = load_workflow("picture.json")
    client.prompt_to_image(workflow, "a red apple", folder="output")
"""
import json
import mimetypes
import os
import random
import struct
import urllib.error
import urllib.parse
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import connect


class ServerError(Exception):
    """The server refused a request; `status` is its HTTP status, `reply` what it said."""

    def __init__(self, status, reply):
        super().__init__(f"the server answered {status}: {reply}")
        self.status, self.reply = status, reply


def load_workflow(path):
    """A workflow in API form. Raises FileNotFoundError, and ValueError for what is no workflow."""
    try:
        workflow = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise ValueError(f"the workflow {path} is no JSON: {fault}") from None
    if isinstance(workflow, dict) and "nodes" in workflow:
        raise ValueError(f"{path} is in the editor's own form: export it as API")
    if not isinstance(workflow, dict) or not workflow or not all(isinstance(node, dict) and "class_type" in node for node in workflow.values()):
        raise ValueError(f"{path} is no workflow: expected an object of nodes, each with a class_type")
    return workflow


def _source(workflow, node, name):
    """The node that an input is linked to, or None."""
    value = workflow.get(node, {}).get("inputs", {}).get(name)
    return value[0] if isinstance(value, list) and len(value) == 2 else None


def find_sampler(workflow):
    """The first node with positive conditioning and a latent."""
    for node, body in workflow.items():
        if "latent_image" in body.get("inputs", {}) and _source(workflow, node, "positive"):
            return node
    raise ValueError("no node of the workflow samples")


def _set_words(workflow, side, words):
    node = _source(workflow, find_sampler(workflow), side)
    seen = set()
    while node and node not in seen:
        seen.add(node)
        inputs = workflow.get(node, {}).get("inputs", {})
        texts = [name for name in ("text", "text_g", "text_l") if isinstance(inputs.get(name), str)]
        if texts:
            inputs.update({name: words for name in texts})
            return
        node = _source(workflow, node, side) or _source(workflow, node, "conditioning") or _source(workflow, node, "conditioning_1")
    raise ValueError(f"no node of the {side} conditioning holds a text")


def set_positive(workflow, words):
    _set_words(workflow, "positive", words)


def set_negative(workflow, words):
    _set_words(workflow, "negative", words)


def set_seed(workflow, seed=None):
    """Sets the sampler's seed, a random one by default. Returns it."""
    seed = random.getrandbits(53) if seed is None else seed
    inputs = workflow[find_sampler(workflow)]["inputs"]
    inputs["noise_seed" if "noise_seed" in inputs else "seed"] = seed
    return seed


def set_image(workflow, name):
    """Sets the picture of the first LoadImage."""
    for body in workflow.values():
        if body["class_type"] == "LoadImage":
            body["inputs"]["image"] = name
            return
    raise ValueError("no node of the workflow loads a picture")


def set_input(workflow, target, name, value):
    """Sets an input of the node that `target` names: its id, else its title, else its class."""
    matches = [node for node in workflow if node == target] \
        or [node for node, body in workflow.items() if body.get("_meta", {}).get("title") == target] \
        or [node for node, body in workflow.items() if body["class_type"] == target]
    if len(matches) != 1:
        raise ValueError(f"{target!r} means {len(matches)} nodes")
    workflow[matches[0]]["inputs"][name] = value


class Client:
    def __init__(self, server="http://127.0.0.1:8188", client_id=None, token=None):
        self.server, self.client_id, self.token = server.rstrip("/"), client_id or str(uuid.uuid4()), token

    # ---- requests

    def _request(self, path, body=None, content_type="application/json"):
        request = urllib.request.Request(self.server + path, data=body, headers={"Content-Type": content_type} if body is not None else {})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.read()
        except urllib.error.HTTPError as fault:
            raise ServerError(fault.code, fault.read().decode(errors="replace")) from None

    def _post(self, path, document):
        return self._request(path, json.dumps(document).encode())

    def queue_prompt(self, workflow, previews=False, **fields):
        """Queues it and returns its prompt id."""
        body = {"prompt": workflow, "client_id": self.client_id, **fields}
        if previews:
            body.setdefault("extra_data", {})["preview_method"] = "auto"
        return json.loads(self._post("/prompt", body))["prompt_id"]

    def get_history(self, prompt_id):
        """The job's entry, or None while it is not over."""
        return json.loads(self._request(f"/history/{urllib.parse.quote(prompt_id)}")).get(prompt_id)

    def get_queue(self):
        return json.loads(self._request("/queue"))

    def clear_queue(self):
        self._post("/queue", {"clear": True})

    def delete_from_queue(self, *prompt_ids):
        self._post("/queue", {"delete": prompt_ids})

    def delete_history(self, *prompt_ids):
        self._post("/history", {"delete": prompt_ids})

    def interrupt(self, prompt_id=None):
        self._post("/interrupt", {"prompt_id": prompt_id} if prompt_id else {})

    def object_info(self, node_class=""):
        return json.loads(self._request("/object_info" + (f"/{urllib.parse.quote(node_class, safe='')}" if node_class else "")))

    def get_image(self, filename, subfolder="", type="output"):
        return self._request("/view?" + urllib.parse.urlencode({"filename": filename, "subfolder": subfolder, "type": type}))

    def upload_image(self, path, name=None, type="input", subfolder="", overwrite=False):
        """Uploads a picture. Returns its name as LoadImage takes it."""
        path, boundary = Path(path), uuid.uuid4().hex
        name = name or path.name
        fields = {"type": type, "overwrite": str(overwrite).lower(), **({"subfolder": subfolder} if subfolder else {})}
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode() for field, value in fields.items()]
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
                     f'Content-Type: {mimetypes.guess_type(name)[0] or "application/octet-stream"}\r\n\r\n'.encode() + path.read_bytes() + b"\r\n")
        parts.append(f"--{boundary}--\r\n".encode())
        said = json.loads(self._request("/upload/image", b"".join(parts), f"multipart/form-data; boundary={boundary}"))
        return (said["subfolder"] + "/" if said["subfolder"] else "") + said["name"] + ("" if said["type"] == "input" else f" [{said['type']}]")

    # ---- following

    @contextmanager
    def connect(self):
        """A WebSocket that hears of this client's jobs: `with client.connect() as socket: ...`"""
        scheme, rest = self.server.split("://", 1)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with connect(f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws?clientId={self.client_id}", additional_headers=headers, max_size=None) as socket:
            yield socket

    def track_progress(self, socket, prompt_id, total_nodes=0):
        """Yields (kind, data) until the job is over: ("node", (k, n, id)), ("step", (i, m, id)), ("preview", (type, bytes)), ("output", (id, ui)),
        and last ("done", None), ("error", message) or ("interrupted", id)."""
        begun, end = set(), ("done", None)
        while True:
            message = socket.recv()
            if isinstance(message, bytes):
                kind, form = struct.unpack(">II", message[:8])
                if kind == 1:
                    yield "preview", ("image/png" if form == 2 else "image/jpeg", message[8:])
                continue
            message = json.loads(message)
            data = message.get("data")
            if not isinstance(data, dict) or data.get("prompt_id") != prompt_id:
                continue
            if message["type"] == "execution_cached":
                begun.update(data["nodes"])
            elif message["type"] == "progress":
                yield "step", (data["value"], data["max"], data["node"])
            elif message["type"] == "executed":
                yield "output", (data["node"], data["output"])
            elif message["type"] == "execution_error" and data["exception_type"] != "ExecutionBlocked":
                end = "error", f"node {data['node_id']} ({data['node_type']}): {data['exception_message']}"
            elif message["type"] == "execution_interrupted":
                end = "interrupted", data["node_id"]
            elif message["type"] == "executing":
                if data["node"] is None:
                    yield end
                    return
                begun.add(data["node"])
                yield "node", (len(begun), max(total_nodes, len(begun)), data["node"])

    def get_images(self, prompt_id, previews=False):
        """What a job made: a list of {filename, subfolder, type, bytes}; with `previews` those of the temp folder too."""
        found = []
        for output in self.get_history(prompt_id)["outputs"].values():
            for image in output.get("images", []):
                if image["type"] == "output" or previews:
                    found.append({**image, "bytes": self.get_image(image["filename"], image["subfolder"], image["type"])})
        return found

    # ---- the two programs

    def prompt_to_image(self, workflow, positive, negative="", folder=".", seed=None, save_previews=False, progress=None):
        """Sets words and seed, runs the workflow and saves its pictures. Returns their paths."""
        set_positive(workflow, positive)
        if negative:
            set_negative(workflow, negative)
        set_seed(workflow, seed)
        with self.connect() as socket:
            prompt_id = self.queue_prompt(workflow, previews=progress is not None)
            for kind, data in self.track_progress(socket, prompt_id, len(workflow)):
                if progress:
                    progress(kind, data)
                if kind in ("error", "interrupted"):
                    raise RuntimeError(f"{kind}: {data}")
        return save_images(self.get_images(prompt_id, save_previews), folder)

    def prompt_image_to_image(self, workflow, picture, positive, negative="", **wishes):
        """The same with a picture to begin with, which is uploaded."""
        set_image(workflow, self.upload_image(picture))
        return self.prompt_to_image(workflow, positive, negative, **wishes)


def save_images(images, folder):
    """Writes pictures below `folder`, previews into its subfolder temp. Returns the paths."""
    paths = []
    for image in images:
        target = Path(folder, *(["temp"] if image["type"] == "temp" else []), image["subfolder"], os.path.basename(image["filename"])).resolve()
        if not target.is_relative_to(Path(folder).resolve()):
            raise ValueError(f"the server names a file outside the folder: {image}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image["bytes"])
        paths.append(target)
    return paths
