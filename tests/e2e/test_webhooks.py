"""Webhooks: signed, in order, tried again, and told once a job is over whatever happens to the server."""
import base64
import hashlib
import hmac
import http.server
import json
import re
import socket
import stat
import threading
import time

import pytest
from test_users import sleeping

from harness import empty_image, free_port, wait_for

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OPEN = ("--outbound-allow", "127.0.0.1", "--webhook-secret", SECRET)
FAILING = {"1": {"class_type": "RT_Int", "inputs": {"value": 1, "tag": "x"}},
           "2": {"class_type": "RT_Fail", "inputs": {"message": "boom", "thing": ["1", 0], "tag": "x"}},
           "3": {"class_type": "RT_Show", "inputs": {"value": ["2", 0], "tag": "x"}}}


class Receiver:
    """Keeps every message as (path, headers, body); `answers`: statuses that it gives one after the other, then 200."""

    def __init__(self, port=0):
        self.messages, self.answers, self.pause = [], [], 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body, pause = self.rfile.read(int(self.headers["content-length"])), receiver.pause
                receiver.messages.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                time.sleep(pause)
                status, *fields = receiver.answers.pop(0) if receiver.answers else (200,)
                try:
                    self.send_response(status)
                    for name, value in fields:
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self):
        return [json.loads(body) for _, _, body in self.messages]

    def wait(self, count, seconds=30):
        wait_for(lambda: len(self.messages) >= count, seconds, f"{count} messages come")
        return self.bodies()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def verify(headers, body, secret=SECRET):
    """As receivers do it, without any of our code."""
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    text = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), text, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()


def metric(server, name):
    return int(re.search(rf"^darkroom_webhooks_{name} (\d+)$", server.get("/metrics").text, re.M)[1])


def settled(server, name, value):
    wait_for(lambda: metric(server, name) == value, 15, f"{name} is {value}")


def test_every_end_is_told_and_signed(own, receiver):
    server = own(*OPEN, test_worker=True)
    good = server.run(empty_image("told"), webhook=receiver.url)["prompt"][1]
    bad = server.run(FAILING, webhook=receiver.url)["prompt"][1]
    running = server.queue(sleeping(60, "running"), webhook=receiver.url)
    waiting = server.queue(sleeping(60, "waiting"), webhook=receiver.url)
    server.queue(sleeping(0, "unsaid"))
    wait_for(lambda: server.json("/queue")["queue_running"], 10, "it runs")
    server.post("/queue", {"delete": [waiting]})
    server.post("/interrupt", {"prompt_id": running})
    told = receiver.wait(4)
    assert [(one["type"], one["id"]) for one in told] == [
        ("job.succeeded", good), ("job.failed", bad), ("job.cancelled", waiting), ("job.cancelled", running)]
    assert told[1]["error"]["node_id"] == "2" and told[1]["error"]["exception_message"].startswith("boom") and "traceback" not in told[1]["error"]
    (image,) = told[0]["outputs"]["2"]["images"]
    assert server.get(image["url"]).content.startswith(b"\x89PNG")
    assert told[0]["status"] == "completed" and told[0]["error"] is None and told[0]["ended"] >= told[0]["started"] >= told[0]["create_time"]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.messages}) == 4
    for path, headers, body in receiver.messages:
        assert path == "/hook" and headers["content-type"] == "application/json" and not {"cookie", "authorization"} & set(headers)
        verify(headers, body)
    settled(server, "delivered_total", 4)
    settled(server, "waiting", 0)


def test_many_come_in_the_order_of_their_ends(own, receiver):
    server = own(*OPEN, test_worker=True)
    ids = [server.queue(empty_image("order", color=i), webhook=receiver.url) for i in range(20)]
    assert [one["id"] for one in receiver.wait(20)] == ids


@pytest.mark.parametrize("answer", [(500,), (302, "elsewhere"), (429, "1")])
def test_a_message_that_is_not_taken_comes_again(own, receiver, answer):
    status, *rest = answer
    names = {302: ("Location", receiver.url + "/elsewhere"), 429: ("Retry-After", "1")}
    receiver.answers = [(status, names[status]) if rest else (status,)]
    server = own(*OPEN, test_worker=True)
    server.run(empty_image("again"), webhook=receiver.url)
    receiver.wait(1)
    wait_for(lambda: metric(server, "waiting") == 1, 10, "it waits")
    other = server.run(empty_image("other"), webhook=receiver.url)["prompt"][1]
    assert receiver.wait(2, 4)[1]["id"] == other, "others are not held up"
    first, _, third = receiver.wait(3, 20)
    assert first == third
    assert len({headers["webhook-id"] for _, headers, _ in receiver.messages}) == 2 and {path for path, _, _ in receiver.messages} == {"/hook"}
    for _, headers, body in receiver.messages:
        verify(headers, body)


def test_a_receiver_that_is_gone_is_not_asked_again(own, receiver):
    receiver.answers = [(410,)]
    server = own(*OPEN, test_worker=True)
    server.run(empty_image("gone"), webhook=receiver.url)
    receiver.wait(1)
    settled(server, "failed_total", 1)
    assert metric(server, "waiting") == 0 and metric(server, "delivered_total") == 0


def test_nothing_is_lost_when_the_server_is_killed(own):
    port = free_port()
    server = own(*OPEN, test_worker=True)
    url = f"http://127.0.0.1:{port}/hook"
    ids = [server.queue(empty_image("kept", color=i), webhook=url) for i in range(5)]
    for one in ids:
        server.wait(one)
    last = server.queue(sleeping(0.5, "after"), webhook=url)
    server.kill()
    server.start()
    server.wait(last)
    settled(server, "waiting", 6)
    receiver = Receiver(port)
    try:
        wait_for(lambda: {one["id"] for one in receiver.bodies()} == {*ids, last}, 60, "all are told")
        for _, headers, body in receiver.messages:
            verify(headers, body)
        settled(server, "waiting", 0)
        assert len(receiver.messages) == 6, "each of them once"
    finally:
        receiver.close()


def test_a_receiver_that_never_answers_is_left(own, receiver):
    receiver.pause = 25
    server = own(*OPEN, test_worker=True)
    began = time.monotonic()
    server.run(empty_image("slow"), webhook=receiver.url)
    assert time.monotonic() - began < 10, "no job waits for it"
    receiver.wait(1)
    receiver.pause = 0
    receiver.wait(2, 40)
    assert 15 < time.monotonic() - began < 40
    settled(server, "waiting", 0)


def test_addresses_that_are_refused(own, server, receiver):
    for wrong in ("http://127.0.0.1/", "http://169.254.169.254/", "http://localhost:99/x", "ftp://example.org/", "nothing", "https://a:b@example.org/", 7, "https://example.org/" + "x" * 4096):
        reply = server.post("/prompt", {"prompt": empty_image("refused"), "webhook": wrong})
        assert reply.status_code == 400, wrong
        assert "webhook" in json.dumps(reply.json()["error"]).lower(), reply.text
    off = own(*OPEN, "--outbound", "off", test_worker=True)
    assert off.post("/prompt", {"prompt": empty_image("refused"), "webhook": receiver.url}).status_code == 400
    assert receiver.messages == []


def test_the_guard_is_asked_when_a_message_is_sent(own, receiver):
    """What a name stands for is known only then."""
    server = own(test_worker=True)
    server.run(empty_image("guarded"), webhook=f"http://{socket.gethostname()}:{receiver.port}/hook")
    wait_for(lambda: "is tried again" in server.log_text(), 20, "it fails")
    assert "is no address of the public Internet" in server.log_text()
    assert metric(server, "waiting") == 1 and receiver.messages == []


def test_the_servers_own_secret(own, receiver):
    server = own("--outbound-allow", "127.0.0.1", test_worker=True)
    server.run(empty_image("own"), webhook=receiver.url)
    receiver.wait(1)
    file = server.base / "webhook.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    _, headers, body = receiver.messages[0]
    verify(headers, body, file.read_text().strip())


def test_a_secret_is_not_shown(own):
    server = own(*OPEN, test_worker=True)
    assert SECRET not in server.get("/system_stats").text and "--webhook-secret" in server.get("/system_stats").text
