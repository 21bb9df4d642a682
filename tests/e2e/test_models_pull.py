"""`darkroom models pull` against servers that drop, lie and refuse: what is put in place is whole and right, and nothing else is left."""
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest

from harness import free_port, wait_for
from model_hub import DATA, SUM, Hub, weights


def test_a_file_comes_whole_and_alone(hub, pull):
    done = pull(hub.url + "/a/m.safetensors?download=true")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(pull.checkpoints / "m.safetensors")
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA
    assert pull.files() == ["models/checkpoints/m.safetensors"]
    assert f"sha256 {SUM} (unverified)" in done.stderr and "licence  not known" in done.stderr
    assert "100%" in done.stderr and "\r" not in done.stderr
    path, headers = hub.requests[0]
    assert path == "/a/m.safetensors?download=true" and "range" not in headers and headers["accept-encoding"] == "identity"

    again = pull(hub.url + "/a/m.safetensors", "--sha256", SUM)
    assert again.returncode == 0 and "is there already" in again.stderr and len(hub.requests) == 1
    wrong = pull(hub.url + "/a/m.safetensors", "--sha256", "0" * 64)
    assert wrong.returncode == 1 and "--force" in wrong.stderr and len(hub.requests) == 1
    hub.answer = lambda request: Hub.whole(request, weights(seed=2))
    assert pull(hub.url + "/a/m.safetensors", "--force").returncode == 0
    assert (pull.checkpoints / "m.safetensors").read_bytes() == weights(seed=2)


def test_a_connection_that_breaks_is_made_again(hub, pull):
    hub.answer = lambda request: Hub.whole(request, cut=700_000)
    done = pull(hub.url + "/m.safetensors", "--sha256", SUM.upper())
    assert done.returncode == 0, done.stderr
    assert hub.ranges() == [None, *(f"bytes={n * 700_000}-" for n in range(1, 5))]
    assert {headers.get("if-range") for _, headers in hub.requests[1:]} == {'"v1"'}
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA and pull.files() == ["models/checkpoints/m.safetensors"]
    assert "as it should be" in done.stderr and "stopped in the middle" in done.stderr


def test_a_process_that_was_killed_is_gone_on_from(hub, pull):
    def slowly(request):
        at = int((request.headers.get("Range") or "bytes=0-")[6:-1])
        Hub.whole(request, cut=500_000)
        request.wfile.flush()
        if at == 0:
            Hub.until_the_client_leaves(request)
    hub.answer = slowly
    process = subprocess.Popen(pull.command(hub.url + "/m.safetensors"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    wait_for(lambda: pull.kept() == 500_000, 20, "the first part is on the disk")
    process.kill()
    process.wait()
    assert not (pull.checkpoints / "m.safetensors").exists()
    hub.answer = Hub.whole
    done = pull(hub.url + "/m.safetensors", "--sha256", SUM)
    assert done.returncode == 0 and "goes on at" in done.stderr, done.stderr
    assert hub.ranges() == [None, "bytes=500000-"]
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA and pull.files() == ["models/checkpoints/m.safetensors"]


def test_ctrl_c_keeps_what_has_come(hub, pull):
    def stop(request):
        Hub.whole(request, cut=500_000)
        request.wfile.flush()
        Hub.until_the_client_leaves(request)
    hub.answer = stop
    process = subprocess.Popen(pull.command(hub.url + "/m.safetensors"), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    wait_for(lambda: pull.kept() == 500_000, 20, "the first part is on the disk")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 5 and "goes on from there" in process.stderr.read()
    assert pull.kept() == 500_000


def test_two_at_once_do_not_mix(hub, pull):
    going = threading.Event()

    def wait(request):
        Hub.whole(request, cut=1000)
        request.wfile.flush()
        going.wait(30)
    hub.answer = wait
    first = subprocess.Popen(pull.command(hub.url + "/m.safetensors"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    wait_for(lambda: pull.kept() == 1000, 20, "the first one has begun")
    second = pull(hub.url + "/m.safetensors")
    assert second.returncode == 1 and "by another process" in second.stderr
    hub.answer = Hub.whole
    going.set()
    assert first.wait(20) == 0 and (pull.checkpoints / "m.safetensors").read_bytes() == DATA


def test_a_server_without_ranges_starts_over(hub, pull):
    calls = []

    def no_ranges(request):
        calls.append(1)
        Hub.send(request, 200, DATA, cut=900_000 if len(calls) == 1 else None, ETag='"v1"')
    hub.answer = no_ranges
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 0 and "starts over" in done.stderr
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA


def test_without_a_strong_etag_nothing_is_glued_together(hub, pull):
    for etag in ('W/"weak"', ""):
        first = []
        def answer(request):
            first.append(1)
            fields = {"ETag": etag} if etag else {}
            Hub.send(request, 200, DATA, cut=100_000 if len(first) == 1 else None, **fields)
        hub.requests.clear()
        hub.answer = answer
        assert pull(hub.url + "/m.safetensors", "--force").returncode == 0
        assert hub.ranges() == [None, None]


def test_a_file_that_changes_meanwhile_is_fetched_anew(hub, pull):
    other = weights(2_000_000, seed=3)
    hub.answer = lambda request: Hub.whole(request, cut=900_000) if len(hub.requests) == 1 else Hub.whole(request, other, '"v2"')
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 0, done.stderr
    assert (pull.checkpoints / "m.safetensors").read_bytes() == other


@pytest.mark.parametrize("lie", [
    lambda at: dict(body=DATA, Content_Range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"),              # from the start again
    lambda at: dict(body=DATA[at:], Content_Range=f"bytes {at}-{len(DATA) - 1}/{len(DATA) + 7}"),  # another length
    lambda at: dict(body=DATA[at:], Content_Range="bytes nonsense"),
    lambda at: dict(body=DATA[at:]),                                                              # says nothing
    lambda at: dict(body=DATA[at:], Content_Range=f"bytes {at}-{len(DATA) - 1}/{len(DATA)}", ETag='"v2"'),
])
def test_a_server_that_lies_about_ranges_is_asked_for_the_whole(hub, pull, lie):
    def answer(request):
        wanted = request.headers.get("Range")
        if wanted:
            Hub.send(request, 206, **lie(int(wanted[6:-1])))
        else:
            Hub.whole(request, cut=800_000 if len(hub.requests) == 1 else None)
    hub.answer = answer
    done = pull(hub.url + "/m.safetensors", "--sha256", SUM)
    assert done.returncode == 0, done.stderr
    assert hub.ranges() == [None, "bytes=800000-", None]
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA


def test_parts_that_make_the_wrong_file_are_fetched_in_one_piece(hub, pull):
    def answer(request):
        if request.headers.get("Range"):
            Hub.whole(request, DATA[:-1] + b"!")  # the range is right, the bytes are not
        else:
            Hub.whole(request, cut=800_000 if len(hub.requests) == 1 else None)
    hub.answer = answer
    done = pull(hub.url + "/m.safetensors", "--sha256", SUM)
    assert done.returncode == 0 and "don't make the right file" in done.stderr
    assert (pull.checkpoints / "m.safetensors").read_bytes() == DATA


def test_a_server_that_lies_about_ranges_and_lengths_is_given_up(hub, pull):
    def answer(request):
        if request.headers.get("Range"):
            return Hub.send(request, 206, DATA, Content_Range="bytes 5-9/10")
        return Hub.send(request, 206, DATA, Content_Range="bytes 5-9/10")
    hub.answer = answer
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 1 and "again and again" in done.stderr
    assert len(hub.requests) == 3 and pull.files() == []


def test_a_wrong_hash_leaves_nothing(hub, pull):
    done = pull(hub.url + "/m.safetensors", "--sha256", "ab" * 32)
    assert done.returncode == 1 and SUM in done.stderr and "nothing is kept" in done.stderr
    assert pull.files() == [] and len(hub.requests) == 1


def test_a_short_file_is_never_put_in_place(hub, pull):
    hub.answer = lambda request: Hub.send(request, 200, DATA, cut=1000)  # no ETag, and always cut
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 6 and "goes on from there" in done.stderr
    assert not (pull.checkpoints / "m.safetensors").exists()


def test_a_file_without_a_length_is_whole_when_its_chunks_end(hub, pull):
    def chunked(request, end=True):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for at in range(0, len(DATA), 1 << 20):
            piece = DATA[at:at + (1 << 20)]
            request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if end:
            request.wfile.write(b"0\r\n\r\n")
    hub.answer = lambda request: chunked(request, end=len(hub.requests) > 1)
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 0, done.stderr
    assert len(hub.requests) == 2 and (pull.checkpoints / "m.safetensors").read_bytes() == DATA


@pytest.mark.parametrize("status, words, code", [(404, "no such file", 1), (403, "wants an account", 1), (401, "wants an account", 1), (418, "418", 1)])
def test_what_the_server_refuses_is_told_at_once(hub, pull, status, words, code):
    hub.answer = lambda request: Hub.send(request, status, b"no")
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == code and words in done.stderr and str(status) in done.stderr
    assert len(hub.requests) == 1 and pull.files() == []


def test_a_server_that_is_busy_is_asked_again(hub, pull):
    hub.answer = lambda request: Hub.send(request, 503) if len(hub.requests) == 1 else Hub.whole(request)
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 0 and "503" in done.stderr and len(hub.requests) == 2


def test_a_server_that_is_gone_is_given_up(pull):
    began = time.monotonic()
    done = pull(f"http://127.0.0.1:{free_port()}/m.safetensors")
    assert done.returncode == 6 and "no server at" in done.stderr and pull.files() == []
    assert done.stderr.count("asked again") == 5 and time.monotonic() - began < 40


def test_redirects_are_followed_and_the_first_address_stays_the_files(hub, pull):
    def answer(request):
        if request.path == "/hub/m.safetensors":
            return Hub.send(request, 302, Location="../cdn/1?x=1")
        if request.path == "/cdn/1?x=1":
            return Hub.send(request, 307, Location=hub.url + f"/signed/{len(hub.requests)}")
        return Hub.whole(request, cut=2_000_000 if len(hub.requests) == 3 else None)
    hub.answer = answer
    done = pull(hub.url + "/hub/m.safetensors", "--sha256", SUM)
    assert done.returncode == 0, done.stderr
    assert [path for path, _ in hub.requests] == ["/hub/m.safetensors", "/cdn/1?x=1", "/signed/2"] + ["/hub/m.safetensors", "/cdn/1?x=1", "/signed/5"]
    assert hub.ranges()[-1] == "bytes=2000000-"


def test_redirects_have_a_limit(hub, pull):
    def answer(request, last):
        n = int(request.path.rsplit("/", 1)[1].split(".")[0])
        Hub.send(request, 302, Location=f"/{n + 1}.safetensors") if n < last else Hub.whole(request)
    hub.answer = lambda request: answer(request, 10)
    assert pull(hub.url + "/0.safetensors").returncode == 0
    hub.answer = lambda request: answer(request, 11)
    done = pull(hub.url + "/0.safetensors", "--force")
    assert done.returncode == 1 and "10 redirects" in done.stderr


def test_a_file_over_the_limit_is_not_fetched(hub, pull):
    assert pull(hub.url + "/m.safetensors", "--max-size", len(DATA)).returncode == 0
    done = pull(hub.url + "/n.safetensors", "--max-size", len(DATA) - 1)
    assert done.returncode == 1 and "--max-size" in done.stderr
    assert pull.files() == ["models/checkpoints/m.safetensors"]


def test_a_file_that_no_disk_holds_is_not_fetched(hub, pull):
    hub.answer = lambda request: Hub.send(request, 200, b"x", length=1 << 50)
    done = pull(hub.url + "/m.safetensors", "--max-size", 1 << 51)
    assert done.returncode == 1 and "are free in" in done.stderr and pull.files() == []


def test_a_page_is_no_model(hub, pull):
    hub.answer = lambda request: Hub.send(request, 200, b"<html>Sign in</html>", Content_Type="text/html; charset=utf-8")
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 1 and "web page" in done.stderr and pull.files() == []
    hub.answer = lambda request: Hub.send(request, 200, b"<html>Sign in, whatever the type says</html>", Content_Type="application/octet-stream")
    done = pull(hub.url + "/m.safetensors")
    assert done.returncode == 1 and "no safetensors file" in done.stderr and pull.files() == []


@pytest.mark.parametrize("address, flags", [
    ("/..%2f..%2fevil.safetensors", []), ("/%2e%2e", []), ("/.hidden.safetensors", []), ("/m.exe", []), ("/", []), ("/m", []),
    ("/m.safetensors", ["--name", "../m.safetensors"]), ("/m.safetensors", ["--name", "/tmp/m.safetensors"]), ("/m.safetensors", ["--name", "a\nb.safetensors"]),
    ("/m.safetensors", ["--name", "x" * 250 + ".safetensors"]), ("/m.safetensors", ["--name", "c:m.safetensors"]),
    ("/m.safetensors", ["--folder", "custom_nodes"]), ("/m.safetensors", ["--folder", "../input"]), ("/m.safetensors", ["--folder", "nowhere"]),
    ("/m.safetensors", ["--folder", "diffusers"]), ("/m.safetensors", ["--sha256", "12"]), ("/m.safetensors", ["--max-size", "much"]),
])
def test_bad_names_are_refused_before_anything_is_asked(hub, pull, address, flags):
    done = pull(hub.url + address, *flags)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert hub.requests == [] and pull.files() == []


def test_addresses_that_are_none(pull):
    for address in ("ftp://example.org/m.safetensors", "http://user:secret@127.0.0.1/m.safetensors", "http:///m.safetensors", "nothing-known"):
        done = pull(address)
        assert done.returncode == 2 and pull.files() == [], address


# ---- the list

HALF = rb"\r\[#+\.+\] 1\.\d MiB of 2\.9 MiB"


def test_a_terminal_sees_a_bar(hub, pull):
    half_shown = threading.Event()

    def slowly(request):
        Hub.whole(request, cut=1_500_000)
        request.wfile.flush()
        half_shown.wait(20)
    hub.answer = lambda request: slowly(request) if len(hub.requests) == 1 else Hub.whole(request)
    master, slave = pty.openpty()
    process = subprocess.Popen(pull.command(hub.url + "/m.safetensors"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if re.search(HALF, shown):
            half_shown.set()
    assert process.wait(20) == 0
    assert re.search(HALF, shown), shown


def test_extra_model_paths_are_respected(hub, pull, tmp_path):
    config = tmp_path / "extra.yaml"
    config.write_text(f"mine:\n  base_path: {tmp_path}/disk\n  is_default: true\n  checkpoints: big\nother:\n  base_path: {tmp_path}/second\n  loras: l\n")
    done = pull(hub.url + "/m.safetensors", "--extra-model-paths-config", config)
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "disk/big/m.safetensors")
    done = pull(hub.url + "/m.safetensors", "--folder", "loras", "--extra-model-paths-config", config)
    assert done.stdout.strip() == str(pull.base / "models/loras/m.safetensors")
    done = pull(hub.url + "/m.safetensors", "--folder", "unet")
    assert done.stdout.strip() == str(pull.base / "models/diffusion_models/m.safetensors")


# ---- TLS and proxies

def test_https_with_a_trusted_certificate_only(pull, hub, certificate):
    secure = Hub(trust=certificate)
    try:
        assert pull(secure.url + "/m.safetensors", "--tls-ca", certificate[0], "--sha256", SUM).returncode == 0
        secure.answer = lambda request: Hub.send(request, 302, Location=hub.url + "/n.safetensors")
        done = pull(secure.url + "/n.safetensors", "--tls-ca", certificate[0])
        assert done.returncode == 1 and "from https to http" in done.stderr and hub.requests == []
    finally:
        secure.close()


def test_a_proxy_of_the_environment_is_used(pull, hub, certificate):
    secure = Hub(trust=certificate)
    through = Hub()
    try:
        environment = {"https_proxy": through.url, "http_proxy": through.url}
        assert pull(secure.url + "/m.safetensors", "--tls-ca", certificate[0], env=environment).returncode == 0
        assert through.requests[0][0] == f"127.0.0.1:{secure.port}" and len(secure.requests) == 1, "a tunnel"
        assert pull("http://models.invalid/p.safetensors", env=environment).returncode == 0
        assert through.requests[1][0] == "http://models.invalid:80/p.safetensors" and through.requests[1][1]["host"] == "models.invalid"
        assert pull(hub.url + "/q.safetensors", env={**environment, "no_proxy": "127.0.0.1"}).returncode == 0
        assert len(through.requests) == 2 and len(hub.requests) == 1
    finally:
        secure.close()
        through.close()
