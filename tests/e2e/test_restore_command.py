"""`darkroom restore`: what somebody sees of it who restores a folder of scans."""
import io
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time

import pytest
from PIL import Image

from harness import ALL, BIN, RESTORE_MODELS, Server, free_port, wait_for
from identities import AUTH_FILE, bearer, token
from restorations import photo, restore as post


def command(*arguments):
    return [str(BIN / "darkroom"), "restore", *map(str, arguments)]


def restore(*arguments, **kw):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, **kw)


def start(*arguments):
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def link_colorizer(base):
    (base / "models/ddcolor").mkdir(parents=True)
    (base / "models/ddcolor/ddcolor_tiny.safetensors").symlink_to(RESTORE_MODELS / "ddcolor_tiny.safetensors")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A server with the small random colouriser, whose base folder runs without a server use, too."""
    base = tmp_path_factory.mktemp("service")
    link_colorizer(base)
    with Server(base) as running:
        yield running


@pytest.fixture(params=["here", "server"])
def place(request, service):
    """The flags for both places."""
    return ["--base-directory", service.base] if request.param == "here" else ["--server", service.url]


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    (folder / "1950").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photo(64, "JPEG"))
    (folder / "b.png").write_bytes(photo(80))
    (folder / "notes.txt").write_text("no photo")
    (folder / "1950/c.jpg").write_bytes(photo(48, "JPEG"))
    return folder


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def state(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


# ---- the whole way

EVERY_STEP = {"colorize": True, "denoise": 0.3, "scratch": 0.2, "upscale": 2, "sharpen": 0.2, "size": 256, "keep_gps": True}
EVERY_FLAG = ["--colorize", "--denoise", 0.3, "--scratch", 0.2, "--upscale", 2, "--sharpen", 0.2, "--size", 256, "--keep-gps",
              "--model", "ddcolor_tiny.safetensors", "--upscale-model", "realesr-animevideov3-x2.param"]


def with_place_and_name():
    """A JPEG that says who took it, and where."""
    exif = Image.Exif()
    exif[0x013B] = "Grandfather"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (47.0, 30.0, 0.0)
    return photo(96, "JPEG", exif=exif.tobytes())


@pytest.mark.parametrize("ending, kind", [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_the_result_is_the_pages_own_bit_for_bit(tmp_path, service, ending, kind):
    (tmp_path / "old.jpg").write_bytes(with_place_and_name())
    job = post(service, with_place_and_name(), "old.jpg", **EVERY_STEP).json()["job_id"]
    wait_for(lambda: service.json(f"/restore/{job}")["state"] == "complete", 60, "the page's")
    page = service.get(f"/results/{job}/result.{ending}").content
    assert service.http.delete(f"/restore/{job}").status_code == 200
    for name, place in (("here", ["--base-directory", service.base, "--precision", "fp32"]), ("there", ["--server", service.url])):
        out = tmp_path / f"{name}.{ending}"
        done = restore(tmp_path / "old.jpg", "-o", out, *EVERY_FLAG, *place)
        assert (done.returncode, done.stdout) == (0, f"{out}\n"), done.stderr
        assert out.read_bytes() == page, name
    picture = Image.open(io.BytesIO(page))
    assert picture.format == kind and picture.size == (192, 2 * Image.open(tmp_path / "old.jpg").height)
    assert picture.getexif()[0x013B] == "Grandfather" and picture.getexif().get_ifd(0x8825)[1] == "N"


def test_a_folder_is_restored_once(scans, tmp_path, place):
    out, before = tmp_path / "out", state(scans)
    done = restore("-r", scans, "-o", out, "--sharpen", 0.3, *place)
    assert done.returncode == 0, done.stderr
    assert files(out) == ["1950/c.png", "a.png", "b.png"]
    assert sorted(done.stdout.split("\n")[:-1]) == [str(out / name) for name in files(out)]
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["1/3", "2/3", "3/3", "3"] and "\x1b" not in done.stderr
    assert "3 restored in" in done.stderr
    made = state(out)
    again = restore("-r", scans, "-o", out, "--sharpen", 0.3, *place)
    assert again.returncode == 0 and again.stdout == "" and again.stderr.count("skipped ") == 3, again.stderr
    assert state(out) == made and state(scans) == before

    (scans / "d.png").write_bytes(photo(56))
    os.utime(scans / "a.jpg")  # it was scanned again
    third = restore("-r", scans, "-o", out, "--sharpen", 0.3, *place)
    assert third.returncode == 4 and third.stdout.splitlines() == [str(out / "d.png")]
    assert "1 restored, 2 done before (--overwrite does them again), 1 failed" in third.stderr
    assert f"failed: {scans}/a.jpg: {out}/a.png is there and older than the photo: --overwrite replaces it" in third.stderr
    last = restore("-r", scans, "-o", out, "--sharpen", 0.3, "--overwrite", *place)
    assert last.returncode == 0 and len(last.stdout.splitlines()) == 4
    assert not list(out.rglob(".*")) and not list(scans.rglob(".*")), "nothing half is left"


def test_results_lie_beside_their_originals(scans, service):
    here = ["--base-directory", service.base]
    (scans / "a.tif").write_bytes(photo(40, "TIFF"))
    assert restore(scans, "--sharpen", 0.3, *here).returncode == 0
    expected = ["1950/c.jpg", "a.jpg", "a.jpg restored.png", "a.tif", "a.tif restored.png", "b restored.png", "b.png", "notes.txt"]
    assert files(scans) == expected
    again = restore(*scans.iterdir(), "--sharpen", 0.3, *here)  # as a shell's * would: with the results of before
    assert again.returncode == 4 and "notes.txt: The file is no picture" in again.stderr
    assert files(scans) == sorted([*expected, "1950/c restored.png"])


def test_a_bad_photo_stops_no_other(scans, tmp_path, place):
    (scans / "bad.jpg").write_bytes(b"no picture")
    (scans / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    done = restore(scans, scans / "gone.png", str(scans / "z*"), "-o", tmp_path / "out", "--sharpen", 0.3, "--json", *place)
    assert done.returncode == 4
    lines = {pathlib.Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert {name: line["state"] for name, line in lines.items()} == {"a.jpg": "restored", "b.png": "restored", "bad.jpg": "failed", "broken.jpg": "failed", "gone.png": "failed", "z*": "failed"}
    assert lines["bad.jpg"]["code"] == lines["broken.jpg"]["code"] == "bad_image" and lines["a.jpg"]["seconds"] > 0
    assert lines["a.jpg"]["result"] == str(tmp_path / "out/a.png")
    summary = done.stderr[done.stderr.index("2 restored, 4 failed"):]
    for words in ("gone.png: there is no such file or folder", "z*: nothing matches this pattern", "bad.jpg: The file is no picture that can be read", "broken.jpg: cannot read image file"):
        assert words in summary, summary


def test_a_pattern_in_quotes_and_quiet(scans, tmp_path, service):
    done = restore(str(scans / "*.j[p]g"), "-q", "-o", str(tmp_path / "out") + "/", "--sharpen", 0.3, "--format", "jpeg", "--base-directory", service.base)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{tmp_path}/out/a.jpg\n")
    assert Image.open(tmp_path / "out/a.jpg").format == "JPEG"


def test_an_original_is_never_written_to(scans, tmp_path, service):
    here = ["--sharpen", 0.3, "--base-directory", service.base, "--overwrite"]
    before = state(scans)
    (tmp_path / "link.png").symlink_to(scans / "b.png")
    for out in (scans / "b.png", tmp_path / "link.png"):
        done = restore(scans / "b.png", "-o", out, *here)
        assert done.returncode == 4 and "is a photo itself" in done.stderr, done.stderr
    os.link(scans / "b.png", tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b.png").symlink_to(scans / "b.png")
    assert restore(scans, "-o", tmp_path / "out", *here).returncode == 4
    assert state(scans) == before
    assert restore(scans, "-o", scans, *here).returncode == 2
    other = tmp_path / "other.png"
    other.write_bytes(b"somebody's")
    os.utime(other, (1, 1))
    assert restore(scans / "b.png", "-o", other, "--sharpen", 0.3, "--base-directory", service.base).returncode == 4
    assert other.read_bytes() == b"somebody's"
    assert restore(scans / "b.png", "-o", other, *here).returncode == 0 and Image.open(other).format == "PNG"


def test_what_cannot_be_written_is_said(scans, tmp_path, service):
    (tmp_path / "file").write_text("in the way")
    done = restore(scans / "a.jpg", "-o", tmp_path / "file/out", "--sharpen", 0.3, "--base-directory", service.base)
    assert done.returncode == 4 and "can't be" in done.stderr and "1 failed" in done.stderr, done.stderr


@pytest.mark.parametrize("arguments, status, says", [
    ([], 2, "no step is on"),
    (["--denoise", "2"], 2, "--denoise"),
    (["--denoise", "nan"], 2, "denoise"),
    (["--upscale", "3"], 2, "--upscale"),
    (["--sharpen", "1", "--size", "300"], 2, "size must be a multiple of 32"),
    (["--sharpen", "1", "-o", "new.tif"], 2, "results are png, jpeg or webp"),
    (["--sharpen", "1", "-o", "new.png", "--format", "jpeg"], 2, "do not agree"),
    (["--sharpen", "1", "more.png", "-o", "new.png"], 2, "for several photos give a folder"),
    (["--colorize", "--model", "gone.pth"], 3, "the model gone.pth is not installed"),
    (["--sharpen", "1", "--worker-program", "/no/such/worker"], 6, "no worker program"),
    (["--sharpen", "1", "--server", "http://127.0.0.1:1"], 6, "no server at 127.0.0.1:1"),
    (["--sharpen", "1", "--server", "ftp://x"], 2, "not an http address"),
    (["--sharpen", "1", "--server", "http://127.0.0.1:1", "--token", "two words"], 2, "the token has characters"),
])
def test_the_exit_status_says_what_failed(scans, service, arguments, status, says):
    done = restore(scans / "a.jpg", "--base-directory", service.base, *arguments)
    assert (done.returncode, says in done.stderr) == (status, True), (done.returncode, done.stderr)
    assert done.stdout == "" and not (scans / "a restored.png").exists() and "two words" not in done.stderr


def test_no_photos(tmp_path):
    (tmp_path / "empty/sub").mkdir(parents=True)
    done = restore(tmp_path / "empty", "--sharpen", 1)
    assert done.returncode == 3 and "no photos" in done.stderr and "-r" in done.stderr
    assert restore(tmp_path / "gone", "--sharpen", 1).returncode == 3


def test_a_model_that_is_missing_is_said_on_a_server(scans, own):
    server = own("--no-demonstration-models")
    done = restore(scans, "--colorize", "--server", server.url)
    assert done.returncode == 3 and "No colouriser is installed" in done.stderr and "2 not done" in done.stderr, done.stderr


# ---- ends before the end

SLOW = ["--upscale", 4]


def slow_scans(folder, count=2, width=400):
    folder.mkdir()
    for n in range(count):
        (folder / f"{n}.jpg").write_bytes(photo(width, "JPEG"))
    return folder


def running(service, flags):
    """Whether the job of a run is at its network now."""
    return lambda: "--server" not in flags or any(job["stage"] == "inference" for job in service.json("/restore/jobs")["jobs"])


def test_ctrl_c_ends_the_photo_at_work_and_the_run(tmp_path, service, place):
    process = start(slow_scans(tmp_path / "slow"), "-o", tmp_path / "out", *SLOW, *place)
    line = process.stderr.readline()
    assert line.startswith("1/2 "), line
    wait_for(running(service, place), 10, "the second is at work")
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 5
    assert time.monotonic() - began < 5
    assert "1 restored, 1 not done" in process.stderr.read()
    assert files(tmp_path / "out") == ["0.png"], "whole, and nothing half"
    assert service.json("/queue") == {"queue_running": [], "queue_pending": []} and service.json("/restore/jobs")["jobs"] == []
    assert not list(service.base.glob("*/restorations/*")), "nothing of it stays on the server"
    again = restore(tmp_path / "slow", "-o", tmp_path / "out", *SLOW, *place)
    assert again.returncode == 0 and "1 restored, 1 done before" in again.stderr


def test_a_worker_that_dies_costs_time_and_no_photo(tmp_path, service):
    process = start(slow_scans(tmp_path / "slow"), "-o", tmp_path / "out", *SLOW, "--base-directory", service.base, "--verbose", "ERROR")
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    assert process.stderr.readline().startswith("1/2 ")
    time.sleep(0.3)
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert process.wait(60) == 0, process.stderr.read()
    assert files(tmp_path / "out") == ["0.png", "1.png"]


def test_one_worker_serves_all(tmp_path, service):
    """And no process a photo but the picture helper's."""
    process = start(slow_scans(tmp_path / "small", 6, 64), "-o", tmp_path / "out", "--upscale", 2, "--base-directory", service.base)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = set()
    while process.poll() is None:
        try:
            for pid in children.read_text().split():
                if b"darkroom-worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    workers.add(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.01)
    assert process.returncode == 0 and len(workers) == 1


def test_a_server_that_starts_again_goes_on(tmp_path, own):
    server = own()
    process = start(slow_scans(tmp_path / "slow"), "-o", tmp_path / "out", *SLOW, "--server", server.url)
    assert process.stderr.readline().startswith("1/2 ")
    wait_for(running(server, ["--server"]), 10, "the second is at work")
    server.kill()
    time.sleep(1)
    server.start(ready=False)
    assert process.wait(60) == 0, process.stderr.read()
    assert files(tmp_path / "out") == ["0.png", "1.png"]


def test_a_server_that_lost_the_job_is_not_waited_for(tmp_path, own):
    server = own()
    process = start(slow_scans(tmp_path / "slow"), "-o", tmp_path / "out", *SLOW, "--server", server.url)
    assert process.stderr.readline().startswith("1/2 ")
    wait_for(running(server, ["--server"]), 10, "the second is at work")
    server.kill()
    for file in [*server.base.rglob("*.db*"), *server.base.rglob("*.sqlite*")]:
        file.unlink()
    server.start(ready=False)
    assert process.wait(60) == 4
    assert "1.jpg: The server has lost this job" in process.stderr.read()


def test_a_full_server_is_asked_again(tmp_path, scans, own):
    server = own("--max-queue", "1")
    wait_for(lambda: post(server, photo(500, "JPEG"), upscale=4).status_code == 429, 20, "it is full")
    done = restore(scans / "a.jpg", "-o", tmp_path / "out.png", "--sharpen", 0.3, "--server", server.url)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not ALL, reason="waits for a minute: only with --all")
def test_a_user_who_has_had_its_share_waits(tmp_path, scans, own):
    (tmp_path / "auth.yaml").write_text(AUTH_FILE)
    server = own("--auth", str(tmp_path / "auth.yaml"), "--user-uploads", "2", headers=bearer("root"))
    done = restore("-r", scans, "-o", tmp_path / "out", "--sharpen", 0.3, "--server", server.url, "--token", token("anna"))
    assert done.returncode == 0 and "3 restored" in done.stderr and len(list((tmp_path / "out").rglob("*.png"))) == 3, done.stderr


@pytest.mark.skipif(not ALL, reason="waits for a minute: only with --all")
def test_a_server_that_stays_away(tmp_path, own):
    server = own()
    process = start(slow_scans(tmp_path / "slow"), "-o", tmp_path / "out", *SLOW, "--server", server.url)
    assert process.stderr.readline().startswith("1/2 ")
    wait_for(running(server, ["--server"]), 10, "the second is at work")
    server.kill()
    began = time.monotonic()
    assert process.wait(90) == 6 and 58 < time.monotonic() - began < 80
    said = process.stderr.read()
    assert "1 restored, 1 not done" in said and "no server at" in said


# ---- on a terminal

def test_a_bar_on_a_terminal(tmp_path, scans, service):
    for name in ("a.jpg", "1950/c.jpg"):  # large enough to be seen at every step between two drawings of the bar
        (scans / name).write_bytes(photo(640, "JPEG"))
    (scans / "bad.jpg").write_bytes(b"no picture")
    master, slave = pty.openpty()
    process = subprocess.Popen(command("-r", scans, "-o", tmp_path / "out", "--upscale", 2, "--base-directory", service.base), stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:
        pass  # its other end is closed
    os.close(master)
    assert process.wait(60) == 4
    text = shown.decode()
    assert re.search(r"\r\[#*\.*\] 1/4  a\.jpg  \d+ %.*Enlarging", text), text
    assert re.search(r"\] [34]/4  \S*  \d+ %  \d:\d\d left", text), text
    assert "failed " in text and "3 restored, 1 failed in" in text
    assert text.rsplit("\x1b[K", 1)[1].startswith("3 restored"), "the bar is taken away"


# ---- who asks

def test_the_token_goes_with_every_request_and_is_shown_nowhere(tmp_path, scans, service):
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    seen = []

    class Strict(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            if self.headers.get("Authorization") != "Bearer right":
                return self.send_error(401)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Strict) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        flags = [scans / "a.jpg", "--sharpen", 1, "--server", url, "--verbose", "DEBUG"]
        wrong = restore(*flags, "--token", "wr0ng")
        assert wrong.returncode == 2 and "refused the token" in wrong.stderr and "wr0ng" not in wrong.stderr + wrong.stdout
        none = restore(*flags)
        assert none.returncode == 2 and "wants a token: --token or DARKROOM_TOKEN" in none.stderr
        seen.clear()
        restore(*flags, env={**os.environ, "DARKROOM_TOKEN": "right"})
        assert len(seen) >= 2 and {token for _, token in seen} == {"Bearer right"}, seen
        for other in (["run", "-"], ["txt2img", "x"]):
            done = subprocess.run([str(BIN / "darkroom"), *other, "--server", url, "--token", "wr0ng"], input="{}", capture_output=True, text=True, timeout=30)
            assert done.returncode == 2 and "refused the token" in done.stderr and "wr0ng" not in done.stderr, done.stderr
        server.shutdown()
    help_text = subprocess.run(command("--help"), capture_output=True, text=True, env={**os.environ, "DARKROOM_TOKEN": "right"}).stdout
    assert "DARKROOM_TOKEN" in help_text and "right" not in help_text
