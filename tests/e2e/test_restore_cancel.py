"""A cancelled colouriser: its worker is free within a second, and its memory goes back."""
import json
import pathlib
import re
import time
import uuid

import pytest

from harness import ALL, RESTORE_MODELS, empty_image, wait_for
from restorations import photo, restore, until_closed, until_stage, watch

MODELS = ["ddcolor_tiny.safetensors", *(["ddcolor_large.safetensors"] if ALL else [])]
PHOTO = photo(700, "JPEG")
FREE_WITHIN = 1.0  # s, from the visitor's word to the end of the next job, which does nothing


def allocated(pid):
    """Bytes of a process's memory that belong to no file: how much of libtorch's code is mapped beside it is the kernel's choice."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s*(\d+)", status)[1]) << 10


def with_model(own, tmp_path, name):
    folder = tmp_path / "server0/models/ddcolor"
    folder.mkdir(parents=True)
    (folder / name).symlink_to(RESTORE_MODELS / name)
    return own("--cpu")


def begin(server, ws, job):
    assert restore(server, PHOTO, "old.jpg", id=job, colorize=True, size=1024).status_code == 202
    assert until_stage(ws, "inference")["source"] == "colorize"


def cancel(server, ws, job, by):
    if by == "socket":
        ws.send(json.dumps({"action": "cancel"}))
    else:
        assert server.http.delete(f"/restore/{job}").json() == {"job_id": job, "state": "cancelled"}


@pytest.mark.parametrize("name", MODELS)
def test_a_cancelled_colouriser_frees_its_worker_within_a_second(own, tmp_path, name):
    """While the network is opened, and wherever it is in its work."""
    server = with_model(own, tmp_path, name)
    worker, = server.worker_pids()
    idle, took = allocated(worker), []
    for seconds, by in ((0, "DELETE"), (0.3, "socket"), (1, "DELETE"), (2, "socket"), (3, "DELETE")):
        job = str(uuid.uuid4())
        with watch(server, f"?job={job}") as ws:
            begin(server, ws, job)
            time.sleep(seconds)
            began = time.monotonic()
            cancel(server, ws, job, by)
            server.run(empty_image("next"))
            took.append(time.monotonic() - began)
            assert until_closed(ws)[-1]["code"] == "cancelled"
    assert max(took) < FREE_WITHIN, took
    assert server.worker_pids() == [worker], "it was not killed for it"

    used = allocated(worker)
    model = (RESTORE_MODELS / name).stat().st_size
    assert used > idle + model
    wait_for(lambda: allocated(worker) < idle + model * 1.25 + (48 << 20), 10, "what the network worked with goes back")
    server.post("/free", {"unload_models": True, "free_memory": True})
    wait_for(lambda: allocated(worker) < idle + (48 << 20), 10, "the network itself goes, too")
