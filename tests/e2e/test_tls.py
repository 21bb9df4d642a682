"""TLS and the addresses that a server listens on."""
import json
import socket
import ssl
import subprocess

import httpx
import pytest
from PIL import Image
from websockets.sync.client import connect

from harness import BIN, empty_image, messages_until_end, wait_for


@pytest.fixture
def secure(own, certificate):
    cert, key = certificate
    return own("--tls-certfile", cert, "--tls-keyfile", key, ca=cert)


def darkroom_run(tmp_path, *arguments):
    workflow = tmp_path / "workflow.json"
    workflow.write_text(json.dumps(empty_image("made")))
    return subprocess.run([str(BIN / "darkroom"), "run", str(workflow), "-o", str(tmp_path / "out"), *map(str, arguments)],
                          capture_output=True, text=True, timeout=60)


def test_https_and_wss(secure, certificate):
    assert secure.url.startswith("https") and secure.url in secure.log_text()
    trust = ssl.create_default_context(cafile=certificate[0])
    with connect(f"wss://127.0.0.1:{secure.port}/ws?clientId=owner", ssl=trust, max_size=None, compression=None) as ws:
        prompt_id = secure.queue(empty_image("secret", size=512), client_id="owner")
        assert messages_until_end(ws, prompt_id)
    outputs = secure.wait(prompt_id)["outputs"]["2"]["images"]
    assert secure.view(outputs[0]).startswith(b"\x89PNG")
    big = bytes(range(256)) * 20_000  # many TLS records in either direction
    stored = secure.upload("big.bin", big).json()["name"]
    assert secure.get("/view", params={"filename": stored, "type": "input"}).content == big


def test_a_client_that_does_not_trust_the_certificate_gets_nothing(secure):
    with pytest.raises(httpx.ConnectError):
        httpx.get(secure.url + "/prompt")
    assert secure.get("/prompt").status_code == 200


def test_a_client_without_tls_is_closed_cleanly(secure):
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 300, b"x"):
        with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := s.recv(4096):
                    answer += piece
            except ConnectionResetError:
                pass
            assert len(answer) < 64 and b"HTTP/1.1 200" not in answer  # an alert of TLS at most
    assert secure.get("/prompt").status_code == 200


def test_the_certificate_is_looked_at_before_the_server_starts(tmp_path, certificate):
    cert, key = certificate
    broken = tmp_path / "broken.pem"
    broken.write_text("no PEM")
    for flags, word in ((["--tls-certfile", cert], "together"), (["--tls-certfile", cert, "--tls-keyfile", broken], "TLS key or certificate"),
                        (["--tls-certfile", tmp_path / "none.pem", "--tls-keyfile", key], "TLS key or certificate")):
        done = subprocess.run([str(BIN / "darkroom"), "serve", "--port", "0", "--base-directory", str(tmp_path / "base"), *map(str, flags)],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode != 0 and word in done.stderr, done.stderr


def test_darkroom_run_on_a_server_with_tls(tmp_path, secure, certificate):
    done = darkroom_run(tmp_path, "--server", secure.url, "--tls-ca", certificate[0])
    assert done.returncode == 0, done.stderr
    assert Image.open(done.stdout.strip()).size == (16, 16)
    assert "finished 2 SaveImage" in done.stderr and "asking for the end" not in done.stderr, "it watched over wss"


def test_darkroom_run_trusts_nobody_by_accident(tmp_path, secure, certificate):
    done = darkroom_run(tmp_path, "--server", secure.url)
    assert done.returncode == 6 and "is not trusted" in done.stderr and "--tls-ca" in done.stderr
    other_name = secure.url.replace("127.0.0.1", "127.0.0.2")  # the certificate is good, but for another host
    done = darkroom_run(tmp_path, "--server", other_name, "--tls-ca", certificate[0])
    assert done.returncode == 6, done.stderr
    done = darkroom_run(tmp_path, "--server", secure.url, "--tls-ca", certificate[1])  # a key is no certificate
    assert done.returncode == 2 and "--tls-ca" in done.stderr
    done = darkroom_run(tmp_path, "--server", secure.url.replace("https", "http"))
    assert done.returncode == 6


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def answers(host, port):
    try:
        with socket.create_connection((host, port), timeout=5) as s:
            s.sendall(b"GET /prompt HTTP/1.0\r\n\r\n")
            return b" 200 " in s.recv(4096)
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("listen, v4, v6", [("127.0.0.1,::1", True, True), ("0.0.0.0,::", True, True), ("127.0.0.1", True, False), ("::", False, True)])
def test_listens_on_every_address_given(tmp_path, listen, v4, v6):
    process = subprocess.Popen([str(BIN / "darkroom"), "serve", "--port", "0", "--workers", "0", "--base-directory", str(tmp_path / "base"), "--insecure", "--listen", listen],
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        urls = []
        while len(urls) < len(listen.split(",")):
            line = process.stderr.readline()
            assert line, "the server ended"
            if "To see the GUI go to: " in line:
                urls.append(line.split("To see the GUI go to: ")[1].strip())
        ports = {int(url.rsplit(":", 1)[1]) for url in urls}
        assert len(ports) == 1, "one port for all of them"
        port = ports.pop()
        wait_for(lambda: answers("127.0.0.1" if v4 else "::1", port), 5, "it answers")
        assert (answers("127.0.0.1", port), answers("::1", port)) == (v4, v6)
        assert all(("[" in url) == (":" in address) for url, address in zip(urls, listen.split(",")))
    finally:
        process.terminate()
        process.wait(15)


def test_an_address_that_is_none_is_told(tmp_path):
    for listen, word in (("nowhere", "not an IP address"), ("203.0.113.1", "can't listen")):
        done = subprocess.run([str(BIN / "darkroom"), "serve", "--port", "0", "--base-directory", str(tmp_path / "base"), "--insecure", "--listen", listen],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode != 0 and word in done.stderr, done.stderr
