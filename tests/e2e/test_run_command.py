"""`darkroom run` and `darkroom doctor`: what a shell script sees of them."""
import json
import os
import signal
import subprocess
import time

import pytest
from PIL import Image

from harness import BIN, DATA, empty_image, free_port


def darkroom(*arguments, text=None, **kw):
    return subprocess.run([str(BIN / "darkroom"), *map(str, arguments)], input=text, capture_output=True, text=True, timeout=120, **kw)


@pytest.fixture
def here(tmp_path):
    """The flags of a run with a base folder of its own."""
    return ["--base-directory", tmp_path / "base", "-o", tmp_path / "out"]


@pytest.fixture
def workflow(tmp_path):
    def write(document, name="workflow.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path
    return write


SCALE = {"load": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
         "scale": {"class_type": "ImageScale", "inputs": {"image": "load.image", "upscale_method": "area", "width": 20, "height": 10, "crop": "disabled"}},
         "save": {"class_type": "SaveImage", "inputs": {"images": "scale", "filename_prefix": "sub/pic"}}}

SLOW = {"1": {"class_type": "EmptyImage", "inputs": {"width": 4096, "height": 2048, "batch_size": 2, "color": 1}},
        "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
        "3": {"class_type": "ImageBlur", "inputs": {"image": ["2", 0], "blur_radius": 31, "sigma": 9.0}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "slow"}}}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("RGB", (40, 20), (200, 100, 50)).save(path)
    return path


def test_a_file_runs_without_a_server(tmp_path, here, workflow, photo):
    done = darkroom("run", workflow(SCALE), "--input", photo, "--set", "ImageScale.width=30", *here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "out/sub/pic_00001_.png")]
    picture = Image.open(tmp_path / "out/sub/pic_00001_.png")
    assert picture.size == (30, 10)
    assert json.loads(picture.text["prompt"])["scale"]["inputs"]["image"] == ["load", 0]
    assert "running  scale ImageScale" in done.stderr and "finished save SaveImage" in done.stderr
    assert "\x1b" not in done.stderr, "no bar where there is no terminal"


def test_the_editors_file_runs_and_is_kept_in_the_picture(tmp_path, here, workflow):
    editor = json.loads((DATA / "workflows/virtual_nodes.json").read_text())["editor"]
    done = darkroom("run", workflow(editor), "-q", *here)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    saved = [line for line in done.stdout.splitlines() if "temp" not in line]
    assert len(saved) == 1
    assert json.loads(Image.open(saved[0]).text["workflow"]) == editor


def test_standard_input_is_a_file_too(here):
    done = darkroom("run", "-", "-q", *here, text=json.dumps(empty_image("x")))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments, status, says", [
    (["--set", "nothing"], 3, "expected NODE.INPUT=VALUE"),
    (["--set", "scale.colour=1"], 3, "it has image, upscale_method, width, height, crop"),
    (["--set", "scale.crop=sideways"], 3, "Value not in list: crop: 'sideways' not in ['disabled', 'center']"),
    (["--set", "load.image=gone.png"], 3, "Invalid image file: gone.png"),
    (["--seed", "many"], 2, "--seed"),
    (["--seed", "1", "--random-seed"], 2, "excludes"),
    (["--worker-program", "/no/such/worker"], 6, "no worker program"),
    (["--server", "http://127.0.0.1:1"], 6, "no server at 127.0.0.1:1"),
    (["--server", "ftp://x"], 2, "not an http address"),
])
def test_the_exit_status_says_what_failed(here, workflow, photo, arguments, status, says):
    done = darkroom("run", workflow(SCALE), "--input", photo, *here, *arguments)
    assert (done.returncode, says in done.stderr) == (status, True), (done.returncode, done.stderr)
    assert done.stdout == ""


def test_files_that_are_no_workflow(tmp_path, here, workflow):
    for document in ("{", "[]", "{}", '{"name": 1}', '{"1": {"class_type": "NoSuchNode", "inputs": {}}}'):
        done = darkroom("run", workflow(document), *here)
        assert done.returncode == 3 and done.stderr, document
    assert darkroom("run", tmp_path / "none.json", *here).returncode == 3


def test_a_node_that_fails(tmp_path, here, workflow):
    broken = tmp_path / "photo.png"
    broken.write_bytes(b"no picture")
    done = darkroom("run", workflow(SCALE), "--input", broken, *here)
    assert done.returncode == 4 and "node load (LoadImage) failed" in done.stderr, done.stderr


def start(*arguments):
    return subprocess.Popen([str(BIN / "darkroom"), "run", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_line(process, text, seconds=30):
    end = time.monotonic() + seconds
    for line in process.stderr:
        if text in line:
            return
        assert time.monotonic() < end
    raise AssertionError(f"it ended with {process.wait()} before it said {text}")


def test_ctrl_c_stops_the_node_and_leaves_nothing_behind(tmp_path, here, workflow):
    process = start(workflow(SLOW), *here)
    wait_for_line(process, "running  2 ImageBlur")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 5
    assert "interrupted" in process.stderr.read()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_on_a_server(tmp_path, server, workflow, photo):
    done = darkroom("run", workflow(SCALE), "--input", photo, "--server", server.url, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    path, = done.stdout.splitlines()
    assert path.startswith(str(tmp_path / "out/sub/pic_")) and Image.open(path).size == (20, 10)
    again = darkroom("run", workflow(SCALE), "--server", server.url, "-o", tmp_path / "out")
    assert again.returncode == 0 and "cached   scale" in again.stderr, again.stderr
    assert again.stdout != done.stdout, "an earlier result is never overwritten"
    refused = darkroom("run", workflow(SCALE), "--set", "scale.crop=sideways", "--server", server.url)
    assert refused.returncode == 3 and "node scale (ImageScale)" in refused.stderr


def test_ctrl_c_stops_the_job_on_the_server(server, workflow):
    process = start(workflow(SLOW), "--server", server.url)
    wait_for_line(process, "running  2 ImageBlur")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 5
    assert server.json("/queue") == {"queue_running": [], "queue_pending": []}


def test_doctor_reports(tmp_path):
    done = darkroom("doctor", "--base-directory", tmp_path)
    for section in ("Programs", "Machine", "Worker", "Environment", "Folders", "Models", "Packs of nodes", "Limits"):
        assert section in done.stdout.splitlines(), done.stdout
    assert "node classes" in done.stdout
    assert (done.returncode == 0) == done.stdout.endswith("Nothing is missing.\n")
    without = darkroom("doctor", "--base-directory", tmp_path, "--worker-program", "/no/worker")
    assert without.returncode == 1 and "!! darkroom-worker" in without.stdout and "To do" in without.stdout


def test_every_command_explains_itself_with_an_example():
    for command in ("run", "doctor", "serve"):
        done = darkroom(command, "--help")
        assert done.returncode == 0 and "Example" in done.stdout
