"""Limits of the running programs at their edge (docs/limits.md): the last value passes, the next is refused, the server unharmed."""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import pytest

from harness import ALL, BIN, ROOT, TEST_WORKER, empty_image, wait_for

long_one = pytest.mark.skipif(not ALL, reason="waits for a minute or two: only with --all")


def run_command(*arguments, timeout=200, text=None):
    return subprocess.run([str(BIN / "darkroom"), "run", *map(str, arguments)], capture_output=True, text=True, input=text, timeout=timeout)


def test_the_page_says_what_the_code_does():
    done = subprocess.run([sys.executable, ROOT / "script/limits", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- connections

def test_connections_leave_descriptors_for_files(own):
    server = own("--workers", "0", prefix=["prlimit", "--nofile=600:600"], ready=False)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(360)]

        def served(s):
            s.settimeout(5)
            try:
                s.sendall(b"GET /prompt HTTP/1.1\r\nHost: x\r\n\r\n")
                return s.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                return False
        alive = [served(s) for s in sockets]
        # 600 less 256; one or two connections of the test itself are among them.
        assert 335 <= sum(alive) <= 344 and all(alive[:335]) and not any(alive[345:])
    wait_for(lambda: server.get("/prompt").status_code == 200, 5, "places are free again")
    assert server.upload("a.png", b"x").status_code == 200


def test_a_reader_that_sleeps_does_not_hold_up_the_end(own):
    server = own()
    with open(server.base / "output/large.bin", "wb") as file:
        file.truncate(200 << 20)
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(b"GET /view?filename=large.bin&type=output HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(10)
        time.sleep(0.3)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 4


# ---- prompts

def with_junk(depth):
    """A prompt whose request is `depth` arrays and objects deep: the body, the prompt, the node and its inputs are four of them."""
    prompt = json.dumps(empty_image("deep"))
    junk = "[" * (depth - 4) + "]" * (depth - 4)
    return '{"prompt": ' + prompt.replace('"color": 0', '"color": 0, "junk": ' + junk) + "}"


def test_prompts_at_the_limit_of_depth(server):
    at = server.http.post("/prompt", content=with_junk(256))
    assert at.status_code == 200, at.text
    assert server.wait(at.json()["prompt_id"])["status"]["status_str"] == "success"
    over = server.http.post("/prompt", content=with_junk(257))
    assert over.status_code == 400 and over.json()["error"]["type"] == "invalid_json" and "256" in over.text


def test_the_longest_side(server):
    prompt = empty_image("wide")
    prompt["1"]["inputs"].update(width=16384, height=1)
    assert server.run(prompt)["status"]["status_str"] == "success"
    prompt["1"]["inputs"]["width"] = 16385
    reply = server.post("/prompt", {"prompt": prompt})
    assert reply.status_code == 400
    assert reply.json()["node_errors"]["1"]["errors"][0]["type"] == "value_bigger_than_max"


def test_the_longest_replacement(server):
    def replaced(count):
        entry = server.run({"1": {"class_type": "RegexReplace", "inputs": {"string": "a" * count, "regex_pattern": "a", "replace": "b" * 16384}},
                            "2": {"class_type": "StringLength", "inputs": {"string": ["1", 0]}},
                            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}}})
        if entry["status"]["status_str"] == "success":
            return entry["outputs"]["3"]["text"][0]
        return next(data for name, data in entry["status"]["messages"] if name == "execution_error")
    assert replaced(4096) == str(64 << 20)
    error = replaced(4097)
    assert error["node_id"] == "1" and str(64 << 20) in error["exception_message"]


def test_long_lists_of_userdata_end(own):
    server = own("--workers", "0", ready=False)
    folder = server.base / "user/default/many"
    folder.mkdir(parents=True)
    for n in range(100_000):
        os.mknod(folder / str(n))
    for query in ({"dir": "many"}, {"dir": "many", "recurse": "true"}):
        assert len(server.json("/userdata", params=query)) == 100_000
    os.mknod(folder / "one more")
    for query in ({"dir": "many"}, {"dir": "many", "recurse": "true"}):
        assert len(server.json("/userdata", params=query)) == 100_000
    assert len(server.json("/v2/userdata", params={"path": "many"})) == 100_000


# ---- pictures

def random_png(side):
    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def test_the_picture_program_confines_itself(tmp_path):
    (tmp_path / "noise.png").write_bytes(random_png(1000))
    with open(tmp_path / "noise.png", "rb") as picture:
        process = subprocess.Popen([str(BIN / "darkroom-picture"), "channel", "rgb"], stdin=picture, stdout=subprocess.PIPE)
    try:
        wait_for(lambda: process.stdout.peek(1), 20, "it has a result")  # more than a pipe holds: it waits for us
        limits = {line[:26].strip(): line[26:47].strip() for line in open(f"/proc/{process.pid}/limits")}
        assert limits["Max cpu time"] == "20" and limits["Max address space"] == str(4 << 30)
        assert limits["Max open files"] == "32" and limits["Max core file size"] == "0"
    finally:
        process.kill()
        process.wait()


def test_the_largest_file_of_a_preview(tmp_path):
    def words(size):
        path = tmp_path / "sparse"
        with open(path, "wb") as file:
            file.truncate(size)
        with open(path, "rb") as file:
            done = subprocess.run([str(BIN / "darkroom-picture"), "channel", "rgb"], stdin=file, capture_output=True, text=True)
        assert done.returncode == 3
        return done.stderr
    assert "over 1 GiB" not in words(1 << 30)
    assert "over 1 GiB" in words((1 << 30) + 1)


# ---- darkroom run

def test_a_workflow_file_at_the_limit(tmp_path):
    document = json.dumps({"1": {"class_type": "NoSuchClass", "inputs": {}}})
    for size, word in ((100 << 20, "NoSuchClass"), ((100 << 20) + 1, "larger than 100 MiB")):
        (tmp_path / "large.json").write_text(document + " " * (size - len(document)))
        done = run_command(tmp_path / "large.json", "--base-directory", tmp_path / "base", "-o", tmp_path / "out")
        assert done.returncode == 3 and word in done.stderr, done.stderr


def test_a_run_whose_node_ignores_ctrl_c_ends(tmp_path):
    (tmp_path / "hang.json").write_text(json.dumps({"1": {"class_type": "MisbehavingHang", "inputs": {"value": 1, "seconds": 60}}}))
    process = subprocess.Popen([str(BIN / "darkroom"), "run", str(tmp_path / "hang.json"), "--worker-program", str(TEST_WORKER), "--base-directory", str(tmp_path / "base")],
                               stderr=subprocess.PIPE, text=True)
    while "MisbehavingHang" not in process.stderr.readline():
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 5
    assert 9 < time.monotonic() - began < 15
    process.stderr.close()


@contextlib.contextmanager
def listener(answer):
    """A server that is none: `answer(connection)` for everybody who connects. Its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        answer(connection)
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_reply_at_the_limit(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps(empty_image("x")))

    def words(size):
        def answer(connection):
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{{}}".encode())
        with listener(answer) as url:
            done = run_command(tmp_path / "w.json", "--server", url, timeout=30)
        assert done.returncode == 6
        return done.stderr
    assert "limit" not in words(2 << 30), "taken, and then cut short"
    assert "limit" in words((2 << 30) + 1), "refused from its header"


@long_one
def test_a_server_that_never_replies(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps(empty_image("x")))
    with listener(lambda connection: time.sleep(100)) as url:
        began = time.monotonic()
        done = run_command(tmp_path / "w.json", "--server", url)
    assert done.returncode == 6 and 55 < time.monotonic() - began < 75


@long_one
def test_a_server_that_takes_no_connection(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps(empty_image("x")))
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # until the queue of connections nobody takes is full
            s = stack.enter_context(socket.socket())
            s.setblocking(False)
            s.connect_ex(full.getsockname())
        began = time.monotonic()
        done = run_command(tmp_path / "w.json", "--server", f"http://127.0.0.1:{full.getsockname()[1]}")
    assert done.returncode == 6 and 8 < time.monotonic() - began < 20


@long_one
def test_a_run_whose_worker_is_silent_ends(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps(empty_image("x")))
    silent = tmp_path / "worker"
    silent.write_text("#!/bin/sh\nexec sleep 1000\n")
    silent.chmod(0o755)
    began = time.monotonic()
    done = run_command(tmp_path / "w.json", "--worker-program", silent, "--base-directory", tmp_path / "base")
    assert done.returncode == 6 and 110 < time.monotonic() - began < 150
