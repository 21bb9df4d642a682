"""Routes of packs through the real server. The pack is tests/data/packs/routes."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import threading
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness import DATA, Server, wait_for


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    base = tmp_path_factory.mktemp("routes") / "base"
    packs = base / "custom_nodes"
    shutil.copytree(DATA / "packs/routes", packs / "routes")
    (packs / "broken").mkdir()
    (packs / "broken/__init__.py").write_text("def f():\n    import no_such_module_at_all\nf()\n")
    return base


@pytest.fixture(scope="module")
def server(base):
    with Server(base, "--max-upload-size", "20") as running:
        yield running


def test_query_cookies_and_paths_pass_unchanged(server):
    told = server.json("/trial/hello?a=1&b=%C3%BC%20x", headers={"Cookie": "c=3; d=4"})
    assert told["query"] == {"a": "1", "b": "ü x"} and told["cookies"] == {"c": "3", "d": "4"} and told["raw"] == "/trial/hello?a=1&b=%C3%BC%20x"
    assert told["forwarded"] == "127.0.0.1" and told["host"] == f"127.0.0.1:{server.port}"
    assert server.json("/api/trial/hello")["raw"] == "/api/trial/hello"
    assert server.get("/trial/tail/a%2Fb//c%20d/").text == "a/b//c d/"
    assert server.http.put("/trial/item/a%2Fb").json() == ["PUT", "a/b"]
    assert server.get("/trial/hello", headers={"X-Long": "x" * 40_000}).status_code == 200


def test_every_method_finds_its_handler(server):
    for method in ("PUT", "PATCH", "DELETE"):
        assert server.http.request(method, "/api/trial/item/x").json() == [method, "x"]
    assert server.get("/trial/view").text == "got" and server.post("/trial/view").text == "posted"
    reply = server.post("/trial/hello", {"n": 1})
    assert reply.status_code == 201 and reply.json() == {"body": {"n": 1}} and reply.headers["X-Mine"] == "yes"
    head = server.http.head("/trial/hello")
    assert head.status_code == 200 and not head.content and int(head.headers["content-length"]) > 0
    assert server.get("/trial/added").text == server.post("/trial/added").text == "added"
    refused = server.http.delete("/trial/hello")
    assert refused.status_code == 405 and refused.headers["allow"] == "GET,HEAD,POST"
    assert server.http.options("/trial/hello").status_code == 200


def test_own_routes_win_and_other_methods_of_their_paths_are_the_packs(server):
    assert "queue_running" in server.json("/queue")
    assert server.http.put("/queue").text == "put"
    assert server.http.delete("/queue").headers["allow"] == "GET,HEAD,POST,PUT"


def test_unknown_paths_are_as_before(server):
    assert server.get("/trial/nothing").status_code == 404 and server.post("/trial/nothing").status_code == 405
    assert server.get("/trial/static/nothing").status_code == 404


def test_files_and_folders_of_packs(server):
    for path in ("/trial/file", "/trial/static/page.txt", "/trial/table/page.txt", "/api/trial/table/page.txt"):
        reply = server.get(path)
        assert reply.text == "a page\n" and reply.headers["content-type"].startswith("text/plain")
        assert server.get(path, headers={"If-Modified-Since": reply.headers["last-modified"]}).status_code == 304
        part = server.get(path, headers={"Range": "bytes=2-5"})
        assert part.status_code == 206 and part.text == "page"
    assert server.get("/trial/static/../__init__.py").status_code == 404


def test_what_packs_do_to_the_application_holds(server):
    reply = server.get("/trial/hello")
    assert reply.headers["X-Stamp"] == "here" and reply.json()["started"] == 1 and reply.json()["x"] == 5
    assert reply.headers.get_list("server") == ["Darkroom"] and len(reply.headers.get_list("date")) == 1
    log = server.log_text()
    assert "this one never starts" in log and "no-slash" in log and "no_such_folder" in log
    assert server.json("/trial/state")["loop"]


def test_forms_and_large_bodies_go_through(server):
    reply = server.http.post("/trial/form", data={"name": "x"}, files={"picture": ("p.png", b"12345")})
    assert reply.json() == {"name": "x", "picture": ["p.png", 5]} and reply.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert server.http.post("/trial/count", content=b"y" * (19 << 20)).json() == {"bytes": 19 << 20}

    def pieces():
        for _ in range(100):
            yield b"z" * 12345

    assert server.http.post("/trial/count", content=pieces()).json() == {"bytes": 1234500}
    assert server.http.post("/trial/count", content=b"y" * (21 << 20)).status_code == 413
    with server.http.stream("GET", "/trial/large") as reply:
        assert reply.headers["content-length"] == str(64 << 20) and sum(len(piece) for piece in reply.iter_raw()) == 64 << 20


def test_a_reply_may_begin_before_its_request_is_read(server):
    body = bytes(range(256)) * (3 << 12)
    assert server.http.post("/trial/echo", content=body).content == body
    assert server.http.post("/trial/echo", content=(body[at:at + 54321] for at in range(0, len(body), 54321))).content == body
    assert server.http.post("/trial/echo", content=b"").content == b""
    for _ in range(3):
        assert server.http.post("/trial/early", content=body).status_code == 403
        assert server.http.post("/trial/count", content=b"xyz").json() == {"bytes": 3}


def test_a_reply_that_is_only_interim_is_a_502(server):
    for _ in range(2):
        assert server.get("/trial/interim").status_code == 502
        assert server.get("/trial/added").text == "added"


def test_as_many_headers_as_the_server_takes(server):
    own = len(server.http.build_request("GET", server.url).headers)
    assert server.json("/trial/headers", headers={f"x{n}": "y" for n in range(200 - own)}) == 201  # with X-Forwarded-For
    assert server.get("/trial/headers", headers={f"x{n}": "y" for n in range(201 - own)}).status_code == 431
    assert server.get("/trial/headers", headers={"x": "y" * 65_000}).status_code == 200
    assert server.get("/trial/headers", headers={"x": "y" * 66_000}).status_code == 431


def test_a_client_that_closes_its_sending_half_gets_its_reply(server):
    for request in (b"GET /trial/slow HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /trial/events HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            reply = http.client.HTTPResponse(client)  # reads over interim heads
            reply.begin()
            assert reply.status == 200 and (b"slow" in request or b"data: 2" in reply.read())


def test_events_arrive_one_by_one(server):
    arrived = []
    with server.http.stream("GET", "/trial/events") as reply:
        for line in reply.iter_lines():
            if line:
                arrived.append((line, time.monotonic()))
    assert [line for line, _ in arrived] == ["data: 0", "data: 1", "data: 2"]
    assert arrived[2][1] - arrived[0][1] > 0.7


def test_a_handler_that_fails_is_a_500(server):
    reply = server.get("/trial/fail")
    assert reply.status_code == 500 and "500" in reply.text
    assert "a handler broke" in server.log_text()
    assert server.get("/trial/added").text == "added"


def test_foreign_origins_are_refused(server):
    reply = server.get("/trial/hello", headers={"Origin": "http://evil.example"})
    assert reply.status_code == 403
    assert server.get("/trial/hello", headers={"Origin": f"http://127.0.0.1:{server.port}"}).status_code == 200


def test_a_handler_runs_on_when_its_client_goes_away(server):
    before = server.json("/trial/state")["finished"]
    with pytest.raises(httpx.ReadTimeout):
        server.get("/trial/slow", timeout=0.5)
    wait_for(lambda: server.json("/trial/state")["finished"] == before + 1, 5, "the handler ends")


def test_websockets_of_packs(server):
    with connect(f"ws://127.0.0.1:{server.port}/trial/socket") as ws:
        ws.send("hello")
        assert ws.recv(timeout=5) == "HELLO"
        ws.send(b"abc" * 100_000)
        assert ws.recv(timeout=5) == b"cba" * 100_000
        ws.send("bye")
        with pytest.raises(Exception):
            ws.recv(timeout=5)
    with connect(f"ws://127.0.0.1:{server.port}/api/trial/socket") as ws:
        ws.send("x")
        assert ws.recv(timeout=5) == "X"


def test_messages_of_handlers_reach_whom_they_are_for(server):
    with server.socket("one") as one, server.socket("two") as two:
        one.recv(timeout=5), two.recv(timeout=5)
        assert server.post("/trial/send", {"type": "trial.one", "data": {"n": [1, "ü"]}, "sid": "one"}).json() == {"client_id": None, "node": None}
        server.post("/trial/send", {"type": "trial.all", "data": None})
        server.post("/trial/send", {"binary": "bytes", "sid": "two"})
        assert json.loads(one.recv(timeout=5)) == {"type": "trial.one", "data": {"n": [1, "ü"]}}
        assert json.loads(one.recv(timeout=5)) == json.loads(two.recv(timeout=5)) == {"type": "trial.all", "data": None}
        assert two.recv(timeout=5) == (9).to_bytes(4, "big") + b"bytes"


def test_routes_answer_and_speak_while_a_node_computes(server):
    job = server.queue({"a": {"class_type": "TrialBusy", "inputs": {"seconds": 3.0}}}, "somebody")
    with server.socket("me") as mine:
        mine.recv(timeout=5)
        began = time.monotonic()
        assert server.get("/trial/added").text == "added"
        server.post("/trial/send", {"type": "trial.busy", "data": 1, "sid": "me"})
        assert time.monotonic() - began < 2
        while json.loads(mine.recv(timeout=5))["type"] != "trial.busy":
            pass
        assert time.monotonic() - began < 2
    assert server.wait(job)["status"]["status_str"] == "success"


def test_packs_are_listed_with_what_became_of_them(server):
    packs = {pack["name"]: pack for pack in server.json("/darkroom/packs")["packs"]}
    assert packs["routes"]["state"] == "ok" and packs["routes"]["classes"] == 1 and packs["routes"]["seconds"] > 0 and packs["routes"]["reason"] is None
    assert packs["broken"]["state"] == "failed" and packs["broken"]["reason"] == "ModuleNotFoundError: No module named 'no_such_module_at_all'"
    assert packs["broken"]["traceback"].startswith("Traceback") and "in f" in packs["broken"]["traceback"] and packs["broken"]["classes"] == 0


def test_a_worker_that_dies_under_a_request_is_a_502_and_the_next_request_waits_for_its_successor(server):
    pids = server.worker_pids()
    other = {}
    seen = server.json("/trial/state")["seen"]
    waiting = threading.Thread(target=lambda: other.update(status=httpx.get(server.url + "/trial/slow", timeout=30).status_code))
    waiting.start()
    wait_for(lambda: server.json("/trial/state")["seen"] == seen + 1, 5, "the other request has begun")
    began = time.monotonic()
    assert server.get("/trial/die").status_code == 502
    waiting.join(10)
    assert other["status"] == 502 and time.monotonic() - began < 5

    def again():
        reply = server.get("/trial/added")
        assert reply.status_code == 200 or reply.status_code == 503 and reply.headers["retry-after"]
        return reply.status_code == 200
    wait_for(again, 60, "the new worker answers")
    assert server.worker_pids() != pids


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_process_of_a_pack_lives_as_long_as_its_worker(server):
    wait_for(lambda: server.get("/trial/added").status_code == 200, 60, "a worker answers")
    pid = server.post("/trial/child", {}).json()
    time.sleep(0.5)
    assert running(pid)  # though the thread that started it has ended
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    wait_for(lambda: not running(pid), 5, "the child ends with the worker")


def test_what_a_worker_leaves_behind_keeps_no_request_waiting(server):
    wait_for(lambda: server.get("/trial/added").status_code == 200, 60, "a worker answers")
    replies = {}
    seen = server.json("/trial/state")["seen"]
    waiting = threading.Thread(target=lambda: replies.update(hang=httpx.get(server.url + "/trial/hang", timeout=30).status_code))
    waiting.start()
    wait_for(lambda: server.json("/trial/state")["seen"] == seen + 1, 5, "the request has begun")
    with connect(f"ws://127.0.0.1:{server.port}/trial/socket") as ws:
        ws.send("x")
        assert ws.recv(timeout=5) == "X"
        pid = server.post("/trial/orphan", {}).json()
        try:
            began = time.monotonic()
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            waiting.join(10)
            assert replies == {"hang": 502} and time.monotonic() - began < 3
            with pytest.raises(ConnectionClosed):
                ws.recv(timeout=5)
            assert running(pid)
        finally:
            os.kill(pid, signal.SIGKILL)


def test_one_of_several_workers_answers_always(tmp_path, base):
    shutil.copytree(base / "custom_nodes", tmp_path / "base/custom_nodes")
    with Server(tmp_path / "base", "--workers", "2") as two:
        wait_for(lambda: two.log_text().count("is ready on") == 2, 60, "both workers are ready")
        assert len({two.json("/trial/state")["pid"] for _ in range(10)}) == 1


def test_before_the_first_worker_is_ready_routes_are_waited_for(tmp_path):
    shutil.copytree(DATA / "packs/routes", tmp_path / "base/custom_nodes/routes")
    server = Server(tmp_path / "base")
    server.start(ready=False)
    try:
        assert {pack["state"] for pack in server.json("/darkroom/packs")["packs"]} <= {"loading", "ok"}

        def answers():
            reply = server.get("/trial/added")
            assert reply.status_code == 200 or reply.status_code == 503 and reply.headers["retry-after"], reply.status_code
            return reply.status_code == 200
        wait_for(answers, 60, "the route answers")
    finally:
        server.stop()


def test_routes_over_tls(tmp_path, certificate):
    shutil.copytree(DATA / "packs/routes", tmp_path / "base/custom_nodes/routes")
    cert, key = certificate
    with Server(tmp_path / "base", "--tls-certfile", cert, "--tls-keyfile", key, ca=cert) as secure:
        assert secure.http.post("/trial/count", content=b"y" * (5 << 20)).json() == {"bytes": 5 << 20}
        assert secure.http.post("/trial/echo", content=b"y" * (5 << 20)).content == b"y" * (5 << 20)
        assert secure.http.post("/trial/early", content=b"y" * (5 << 20)).status_code == 403
        assert secure.http.post("/trial/early", content=(b"y" * 1000 for _ in range(500))).status_code == 403
        assert secure.http.post("/trial/count", content=b"y" * 10).json() == {"bytes": 10}
        with secure.http.stream("GET", "/trial/large") as reply:
            assert sum(len(piece) for piece in reply.iter_raw()) == 64 << 20
        with connect(f"wss://127.0.0.1:{secure.port}/trial/socket", ssl=ssl.create_default_context(cafile=cert)) as ws:
            ws.send(b"abc" * 100_000)
            assert ws.recv(timeout=5) == b"cba" * 100_000
        with pytest.raises(httpx.ReadTimeout):
            secure.get("/trial/slow", timeout=0.5)
        wait_for(lambda: secure.json("/trial/state")["finished"] == 1, 5, "the handler ends")


def test_without_routes_nothing_of_aiohttp_is_imported(tmp_path):
    pack = tmp_path / "base/custom_nodes/plain"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text("import sys\nfrom server import PromptServer\nPromptServer.instance.add_on_prompt_handler(lambda body: body | {'extra_data': {'aiohttp': 'aiohttp' in sys.modules}})\n"
                                      "class Shown:\n    RETURN_TYPES = ()\n    FUNCTION = 'go'\n    CATEGORY = 'tests'\n    OUTPUT_NODE = True\n    @classmethod\n    def INPUT_TYPES(cls):\n        return {'required': {}}\n"
                                      "    def go(self):\n        return {'ui': {'aiohttp': ['aiohttp' in sys.modules]}}\nNODE_CLASS_MAPPINGS = {'Shown': Shown}\n")
    with Server(tmp_path / "base") as plain:
        assert plain.run({"a": {"class_type": "Shown", "inputs": {}}})["outputs"]["a"] == {"aiohttp": [False]}
        assert plain.get("/anything").status_code == 404
