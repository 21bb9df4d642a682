"""Talks to the photo service as its clients do."""
import io
import json
import time

from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness import DATA

PHOTO = DATA / "restore/photos/old_migrant_mother.jpg"
STAGES = ["upload", "preprocess", "load_model", "inference", "postprocess", "complete"]


def photo(width=96, kind="PNG", mode="RGB", **kw):
    picture = Image.open(PHOTO).convert("RGB")
    picture = picture.resize((width, width * picture.height // picture.width), Image.BICUBIC).convert(mode)
    out = io.BytesIO()
    picture.save(out, kind, **kw)
    return out.getvalue()


def restore(server, data, name="photo.png", id=None, **options):
    return server.http.post("/restore", params={"id": id} if id else {}, files={"image": (name, data)}, data={"options": json.dumps(options)} if options else {})


def watch(server, query="", **kw):
    return connect(f"ws://127.0.0.1:{server.port}/ws/progress{query}", max_size=None, compression=None, **kw)


def until_closed(ws, seconds=60):
    """All messages until the server closes the socket."""
    out, end = [], time.monotonic() + seconds
    try:
        while True:
            out.append(json.loads(ws.recv(timeout=max(0.01, end - time.monotonic()))))
    except ConnectionClosed as closed:
        assert closed.rcvd and closed.rcvd.code == 1000, closed
        return out


def check_sequence(messages, first=1):
    """Numbers without gaps, stages in their order, progress that never goes back."""
    assert [m["seq"] for m in messages] == list(range(first, first + len(messages)))
    told = [m for m in messages if "stage" in m and "error" not in m]
    order = [STAGES.index(m["stage"]) for m in told]
    assert order == sorted(order)
    progress = [m["progress"] for m in told]
    assert progress == sorted(progress) and 0 <= progress[0] and progress[-1] <= 100


def slow(server, id=None, width=500, **options):
    """A restoration of some ten seconds: several tiles through the real network."""
    reply = restore(server, photo(width, "JPEG"), "slow.jpg", id=id, upscale=4, **options)
    assert reply.status_code == 202, reply.text
    return reply.json()["job_id"]


def until_stage(ws, stage, seconds=60):
    end = time.monotonic() + seconds
    while True:
        message = json.loads(ws.recv(timeout=max(0.01, end - time.monotonic())))
        if message.get("stage") == stage or "error" in message:
            return message
