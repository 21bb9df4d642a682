"""The photo service, as a page and as plain clients use it: POST /restore, /ws/progress, results, and what dies on the way."""
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import threading
import time
import uuid

import numpy as np
import pytest
from PIL import Image

from harness import BIN, RESTORE_MODELS, empty_image, upscale, wait_for
from restorations import STAGES, check_sequence, photo, restore, slow, until_closed, until_stage, watch


# ---- the whole way

def test_a_photograph_is_restored_while_two_watch(server):
    job = str(uuid.uuid4())
    with watch(server, f"?job={job}") as english, watch(server, f"?job={job}&lang=zh") as chinese:
        reply = restore(server, photo(), "Grandma.png", id=job, colorize=False, upscale=2, sharpen=0.3, denoise=0.1)
        assert reply.status_code == 202
        assert reply.json() == {"job_id": job, "position": 1, "progress_url": f"/ws/progress?job={job}", "status_url": f"/restore/{job}"}
        seen, other = until_closed(english), until_closed(chinese)
    check_sequence(seen)
    assert [s for i, s in enumerate(m["stage"] for m in seen) if i == 0 or seen[i - 1]["stage"] != s] == STAGES
    assert list(dict.fromkeys(m["source"] for m in seen if m["stage"] == "inference")) == ["denoise", "upscale", "sharpen"]
    assert seen[-1]["progress"] == 100 and seen[-1]["result_url"] == f"/results/{job}/result.png"
    assert [m["seq"] for m in other] == [m["seq"] for m in seen] and other[-1]["message"] == "完成"
    assert any(m.get("tiles") for m in seen) and any(m.get("memory", {}).get("process", 0) > 1 << 20 for m in seen)

    result = server.get(seen[-1]["result_url"])
    assert result.headers["content-type"] == "image/png" and "private" in result.headers["cache-control"]
    picture, original = Image.open(io.BytesIO(result.content)), Image.open(io.BytesIO(photo()))
    assert picture.size == (original.width * 2, original.height * 2)
    shrunk = np.asarray(picture.convert("RGB").resize(original.size, Image.BOX), dtype=float)
    assert np.abs(shrunk - np.asarray(original, dtype=float)).mean() < 12
    for kind in ("jpeg", "webp", "png"):
        converted = server.get(f"/results/{job}/result.png", params={"format": kind, "download": "1"})
        assert converted.headers["content-type"] == f"image/{kind}" and "Grandma restored." in converted.headers["content-disposition"]
        assert Image.open(io.BytesIO(converted.content)).size == picture.size
    assert server.get(f"/results/{job}/original").content == photo()
    for kind, ending in (("jpeg", "jpg"), ("webp", "webp"), ("png", "png")):
        both = server.get(f"/results/{job}/side-by-side.{ending}", params={"download": "1"})
        assert both.headers["content-type"] == f"image/{kind}" and "Grandma before and after." in both.headers["content-disposition"]
        both = Image.open(io.BytesIO(both.content)).convert("RGB")
        assert both.height == picture.height and 0 < both.width - 2 * picture.width < 10
        for left, half in ((0, original), (both.width - picture.width, picture)):
            part = both.crop((left, 0, left + picture.width, both.height)).resize(original.size, Image.BOX)
            assert np.abs(np.asarray(part, dtype=float) - np.asarray(half.convert("RGB").resize(original.size, Image.BOX), dtype=float)).mean() < 6
    assert server.get(f"/results/{job}/side-by-side.gif").status_code == 400

    status = server.json(f"/restore/{job}")
    assert status["state"] == "complete" and status["name"] == "Grandma.png" and status["seq"] == seen[-1]["seq"]
    assert (status["width"], status["height"], status["result_width"], status["result_height"]) == (*original.size, *picture.size)
    assert status["result_bytes"] == len(result.content) and status["expires"] > status["ended"] > status["created"]
    assert job in [j["job_id"] for j in server.json("/restore/jobs")["jobs"]]

    with watch(server, f"?job={job}&from=4") as late:
        assert until_closed(late) == seen[4:]
    assert server.http.delete(f"/restore/{job}").json()["state"] == "forgotten"
    for path in (f"/restore/{job}", f"/results/{job}/result.png", f"/results/{job}/original", f"/history/{job}"):
        reply = server.get(path)
        assert reply.status_code == 404 or reply.json() == {}
    assert not list(server.base.glob(f"*/restorations/{job}*"))


def test_all_models_are_open_before_the_first_step_and_the_attention_is_shown(own, tmp_path):
    models = tmp_path / "server0/models/ddcolor"
    models.mkdir(parents=True)
    shutil.copy(RESTORE_MODELS / "ddcolor_micro.safetensors", models)
    server = own()
    job, shown = str(uuid.uuid4()), []
    with watch(server, f"?job={job}") as ws:
        restore(server, photo(300), id=job, denoise=0.1, colorize=True, size=256, upscale=4)
        seen = []
        while not seen or "attention" not in seen[-1]:
            seen.append(json.loads(ws.recv(timeout=30)))
        shown.append(server.get(seen[-1]["attention"]["url"]))
        seen += until_closed(ws)
    check_sequence(seen)
    assert [m["progress"] for m in seen if m["message"].startswith("Opening the models: ")] == [9.3, 10.7, 12]
    assert all(m["stage"] == "load_model" for m in seen if m["message"].startswith("Opening"))
    told = [m for m in seen if "attention" in m]
    assert told and {m["source"] for m in told} == {"colorize"}
    assert {"denoise", "colorize", "upscale"} <= {m["source"] for m in seen if "preview" in m}, "each step shows what it made"
    assert shown[0].status_code == 200 and shown[0].headers["content-type"] == "image/png"
    picture, original = Image.open(io.BytesIO(shown[0].content)), Image.open(io.BytesIO(photo(300)))
    assert max(picture.size) == 256 and abs(picture.width / picture.height - original.width / original.height) < 0.02
    assert np.asarray(picture.convert("L")).std() > 5, "it is no plain field"
    assert server.get(f"/results/{job}/attention").status_code == 404, "only while it runs"
    result = server.json(f"/restore/{job}")
    assert result["model"] == "ddcolor_micro.safetensors"


def test_info_says_what_can_be_done(server):
    info = server.json("/restore/info")
    assert {"denoise", "scratch", "upscale", "sharpen"} <= set(info["steps"])
    assert ("colorize" in info["steps"]) == bool(info["models"]["colorize"])
    assert "realesr-animevideov3-x4.param" in info["models"]["upscale"] and info["keep_hours"] == 24
    assert info["limits"]["bytes"] == 100 << 20 and info["limits"]["pixels"] == 100_000_000


def test_the_memory_of_a_gpu_is_told(own, tmp_path, monkeypatch):
    free = tmp_path / "free"
    free.write_text(str(10 << 30))
    monkeypatch.setenv("GPU_WORKER_FREE", str(free))
    monkeypatch.setenv("GPU_WORKER_PROGRAM", str(BIN / "darkroom-worker"))
    server = own("--worker-program", str(pathlib.Path(__file__).parent / "gpu_worker.py"))
    wait_for(lambda: server.json("/system_stats")["devices"][0]["vram_free"] == 10 << 30, 10, "the first figures come")
    job = slow(server, colorize=False)
    with watch(server, f"?job={job}") as ws:
        first = until_stage(ws, "inference")["memory"]
        free.write_text(str(7 << 30))
        wait_for(lambda: json.loads(ws.recv(timeout=10)).get("memory", {}).get("gpu") == 9 << 30, 20, "the figures move")
    assert (first["gpu"], first["gpu_limit"]) == (6 << 30, 16 << 30) and first["process"] > 0
    assert server.json("/system_stats")["devices"][0]["vram_total"] == 16 << 30
    server.http.delete(f"/restore/{job}")


def test_a_plain_client_needs_no_job(own):
    server = own()
    with watch(server) as ws:
        job = restore(server, photo(64), scratch=0.5).json()["job_id"]
        before = until_closed(ws)
    check_sequence(before)
    with watch(server) as ws:  # it comes a moment late
        after = until_closed(ws)
    assert after == before and {m["job_id"] for m in after} == {job}


def test_the_client_may_ping_and_the_server_pings(own):
    server = own("--progress-ping", "0.2", "--progress-silence", "0.6")
    with watch(server) as ws:
        ws.send(json.dumps({"action": "ping"}))
        assert json.loads(ws.recv(timeout=5)) == {"type": "pong"}
        ws.send("no JSON")
        ws.send("[]")
        time.sleep(1.5)  # the library answers pings
        ws.send(json.dumps({"action": "ping"}))
        assert json.loads(ws.recv(timeout=5)) == {"type": "pong"}


def test_a_silent_viewer_is_dropped(own):
    server = own("--progress-ping", "0.2", "--progress-silence", "0.6")
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"GET /ws/progress HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        raw.settimeout(5)
        began, got = time.monotonic(), b""
        while piece := raw.recv(4096):
            got += piece
        assert b"101 Switching" in got and got.endswith(b"\x89\x00") and 0.5 < time.monotonic() - began < 3


def test_jobs_of_other_routes_are_watched_too(server):
    name = server.upload("mother-watched.png", photo(64)).json()["name"]
    job = str(uuid.uuid4())
    with watch(server, f"?job={job}") as ws:
        server.queue(upscale(name, prefix="watched"), prompt_id=job)
        seen = until_closed(ws)
    check_sequence(seen)
    assert list(dict.fromkeys(m["stage"] for m in seen)) == STAGES and {m["source"] for m in seen if m["stage"] == "inference"} == {"upscale"}
    assert Image.open(io.BytesIO(server.get(seen[-1]["result_url"]).content)).format == "PNG"
    assert server.http.delete(f"/restore/{job}").json()["state"] == "forgotten"
    assert server.json(f"/history/{job}"), "the job itself belongs to its route"


def test_what_is_no_restoration_is_not_watched(server):
    job = server.queue(empty_image("plain"))
    server.wait(job)
    with watch(server, f"?job={job}") as ws:
        assert [m["code"] for m in until_closed(ws)] == ["not_watchable"]
    assert server.get(f"/restore/{job}").status_code == 404


# ---- cancelling

def test_a_running_one_is_cancelled_within_a_second(own):
    server = own()
    job = slow(server)
    with watch(server, f"?job={job}") as ws:
        until_stage(ws, "inference")
        time.sleep(1)
        began = time.monotonic()
        ws.send(json.dumps({"action": "cancel"}))
        last = until_closed(ws)[-1]
    assert time.monotonic() - began < 1.5
    assert last["error"] == "Cancelled" and last["code"] == "cancelled" and last["progress"] == 0
    assert server.json(f"/restore/{job}")["state"] == "cancelled"
    assert server.get(f"/results/{job}/result.png").status_code == 404 and server.get(f"/results/{job}/original").status_code == 200
    # The worker lives and takes the next one.
    again = restore(server, photo(64), scratch=1).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{again}")["state"] == "complete", 30, "the next one completes")


def test_a_waiting_one_is_cancelled_and_the_others_move_up(own):
    server = own()
    running = slow(server)
    wait_for(lambda: server.json(f"/restore/{running}")["state"] == "running", 30, "it runs")
    second, third = (restore(server, photo(64), scratch=1).json() for _ in range(2))
    assert (second["position"], third["position"]) == (1, 2)
    with watch(server, f"?job={third['job_id']}") as ws:
        wait_for(lambda: json.loads(ws.recv(timeout=5)).get("position") == 2, 5, "its place is told")
        assert server.http.delete(f"/restore/{second['job_id']}").json()["state"] == "cancelled"
        wait_for(lambda: json.loads(ws.recv(timeout=5)).get("position") == 1, 5, "it moves up")
        assert server.http.delete(f"/restore/{running}").json()["state"] == "cancelled"
        messages = until_closed(ws)
    assert messages[-1]["stage"] == "complete"


def test_an_upload_is_live_and_can_be_cancelled(server):
    job = str(uuid.uuid4())
    body = b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n"
    with watch(server, f"?job={job}") as ws, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(f"POST /restore?id={job} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    f"Content-Length: 1000000\r\n\r\n".encode() + body)
        assert json.loads(ws.recv(timeout=5))["stage"] == "upload"
        time.sleep(0.3)
        raw.sendall(b"x" * 500_000)
        half = json.loads(ws.recv(timeout=5))
        assert half["stage"] == "upload" and 0 < half["progress"] < 5
        assert server.http.delete(f"/restore/{job}").json()["state"] == "cancelled"
        raw.sendall(b"x" * 1000)
        raw.settimeout(5)
        assert b"409" in raw.recv(4096)
        assert until_closed(ws)[-1]["code"] == "cancelled"
    # Its id is free again.
    assert restore(server, photo(64), id=job, scratch=1).status_code == 202


def test_a_broken_upload_is_told(server):
    job = str(uuid.uuid4())
    with watch(server, f"?job={job}") as ws:
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(f"POST /restore?id={job} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                        f"Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".encode())
            assert json.loads(ws.recv(timeout=5))["stage"] == "upload"
        assert until_closed(ws)[-1]["code"] == "upload_cut"
    wait_for(lambda: not list(server.base.glob("input/restorations/.darkroom-part-*")), 5, "what had come is removed")


# ---- things that die

def test_a_worker_that_dies_is_replaced_and_the_bar_stays(own):
    server = own()
    job = slow(server)
    with watch(server, f"?job={job}") as ws:
        before = until_stage(ws, "inference")
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        rest = until_closed(ws, 120)
    assert any("starting again" in m.get("message", "") for m in rest)
    check_sequence([before] + rest, before["seq"])
    assert rest[-1]["stage"] == "complete" and server.get(rest[-1]["result_url"]).status_code == 200


def test_a_server_that_dies_goes_on_where_it_was(own):
    server = own()
    job, waiting = slow(server), None
    with watch(server, f"?job={job}") as ws:
        until_stage(ws, "inference")
        waiting = restore(server, photo(64), scratch=1).json()["job_id"]
        last = json.loads(ws.recv(timeout=30))
        server.kill()
    server.start(ready=False)
    with watch(server, f"?job={job}&from={last['seq']}") as ws:
        rest = until_closed(ws, 120)
    # Every number is there once, across the death; a few may have been stored that nobody got.
    check_sequence(rest, last["seq"] + 1)
    assert rest[-1]["stage"] == "complete" and rest[0]["progress"] >= last["progress"]
    with watch(server, f"?job={job}") as ws:
        check_sequence(until_closed(ws))
    wait_for(lambda: server.json(f"/restore/{waiting}")["state"] == "complete", 60, "the waiting one completes")


def test_an_upload_that_the_server_did_not_survive_leaves_nothing(own):
    server = own()
    job = str(uuid.uuid4())
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(f"POST /restore?id={job} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    f"Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nxx".encode())
        wait_for(lambda: server.get(f"/restore/{job}").status_code == 200, 5, "the upload begins")
        server.kill()
    server.start()
    assert server.get(f"/restore/{job}").status_code == 404
    assert restore(server, photo(64), id=job, scratch=1).status_code == 202


# ---- refusals

def test_too_large_a_body(own):
    server = own("--max-upload-size", "0.01")
    reply = restore(server, photo(200), scratch=1)
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_full_queue_says_so(own):
    server = own("--max-queue", "1")
    first = slow(server)
    wait_for(lambda: server.json(f"/restore/{first}")["state"] == "running", 30, "it runs")
    assert restore(server, photo(32), scratch=1).status_code == 202
    full = restore(server, photo(32), scratch=1)
    assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (429, "queue_full", "5")
    assert len(server.json("/restore/jobs")["jobs"]) == len(list(server.base.glob("input/restorations/*"))) == 2
    server.http.delete(f"/restore/{first}")


STEP_OF = {"ddcolor": {"colorize": True, "model": "a_broken.pth"}, "denoise": {"denoise": 0.2}, "upscale_models": {"upscale": 2, "upscale_model": "a_broken.pth"}}


@pytest.mark.parametrize("folder", STEP_OF)
def test_a_model_that_fails_is_told_before_any_work(own, tmp_path, folder):
    models = tmp_path / "server0/models" / folder
    models.mkdir(parents=True)
    (models / "a_broken.pth").write_bytes(b"nothing of the kind")
    server = own()
    job = restore(server, photo(64), **STEP_OF[folder]).json()["job_id"]
    with watch(server, f"?job={job}") as ws:
        seen = until_closed(ws)
    assert seen[-1]["code"] == "model_failed" and seen[-1]["error"].startswith("Model failed to load: a_broken.pth: ")
    assert seen[-1]["stage"] == "load_model" and seen[-1]["progress"] == 0
    status = server.json(f"/restore/{job}?lang=zh")
    assert status["state"] == "error" and status["code"] == seen[-1]["code"] and status["error"].startswith("模型加载失败")


@pytest.mark.parametrize("folder", STEP_OF)
def test_a_model_that_has_gone_is_told_before_any_work(own, tmp_path, folder):
    models = tmp_path / "server0/models" / folder
    models.mkdir(parents=True)
    (models / "a_broken.pth").write_bytes(b"it will be gone")
    server = own()
    first = slow(server, colorize=False)
    wait_for(lambda: server.json(f"/restore/{first}")["state"] == "running", 30, "the first one runs")
    job = restore(server, photo(64), **STEP_OF[folder]).json()["job_id"]
    (models / "a_broken.pth").unlink()
    with watch(server, f"?job={job}") as ws:
        server.http.delete(f"/restore/{first}")
        last = until_closed(ws)[-1]
    assert last["error"].startswith("Model failed to load: missing weights file") and "a_broken.pth" in last["error"]
    assert (last["code"], last["stage"], last["progress"]) == ("model_missing", "load_model", 0)
    assert server.json(f"/restore/{job}?lang=zh")["error"].startswith("模型加载失败：缺少权重文件")


# ---- retention and lists

def test_old_restorations_are_forgotten(own):
    server = own("--restore-keep", "0.0005")  # 1.8 s
    job = restore(server, photo(64), scratch=1).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{job}")["state"] == "complete", 30, "it completes")
    wait_for(lambda: server.get(f"/restore/{job}").status_code == 404, 10, "it is forgotten")
    assert not list(server.base.glob(f"*/restorations/{job}*"))


def test_the_list_has_a_limit(own):
    server = own()
    jobs = [restore(server, photo(16), sharpen=0.1).json()["job_id"] for _ in range(201)]
    listed = [j["job_id"] for j in server.json("/restore/jobs")["jobs"]]
    assert listed == jobs[:0:-1]


# ---- many

def test_many_visitors_get_every_message(own):
    server = own()
    count, results = 40, {}

    def visitor(n):
        job = str(uuid.uuid4())
        with watch(server, f"?job={job}") as ws:
            reply = restore(server, photo(16), id=job, sharpen=0.1)
            results[n] = (reply.status_code, until_closed(ws, 120))
    threads = [threading.Thread(target=visitor, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == count
    for status, messages in results.values():
        assert status == 202
        check_sequence(messages)
        assert messages[-1]["stage"] == "complete"
