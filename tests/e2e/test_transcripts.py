"""The recorded exchanges, played against the real programs: with the C++ twins of the recorded node packs, and what packs do also with the
packs themselves, in Python."""
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from corrections import CORRECTIONS
from harness import DATA, Server

TRANSCRIPTS = DATA / "transcripts"

# Cases that need Python itself: the routes, the prompt hook and the subgraphs of a pack. Played with the packs only.
NEEDS_PYTHON = {"i03_subgraphs", "i04_custom_route", "p06_hook", "w05_same_id_twice", "w06_send"}


def prepared(base):
    """The exchanges with the corrections of corrections.py, and a base folder that has what they need."""
    cases = base / "cases"
    shutil.copytree(TRANSCRIPTS, cases)
    for name, correct in CORRECTIONS.items():
        path = next(cases.glob(f"{name}*.json"))
        case = json.loads(path.read_text())
        correct(case["steps"])
        path.write_text(json.dumps(case))
    data = base / "data"
    shutil.copytree(TRANSCRIPTS / "nodes", data / "custom_nodes")
    (data / "output/loras").mkdir(parents=True)
    return cases, data


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    cases, data = prepared(tmp_path_factory.mktemp("transcripts"))
    with Server(data, test_worker=True) as server:
        yield cases, server


@pytest.fixture(scope="module")
def python_judge(tmp_path_factory):
    cases, data = prepared(tmp_path_factory.mktemp("python_transcripts"))
    with Server(data) as server:
        yield cases, server


NAMES = sorted(p.stem for p in TRANSCRIPTS.glob("*.json"))


def play(judge, name):
    cases, server = judge
    done = subprocess.run([sys.executable, str(cases / "replay.py"), server.url, "--loose", "--only", name], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "1 passed, 0 failed" in done.stdout, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in NEEDS_PYTHON])
def test_exchange(judge, name):
    play(judge, name)


@pytest.mark.parametrize("name", [n for n in NAMES if n in NEEDS_PYTHON or n == "i01_object_info" or n[0] in "vx"])
def test_exchange_with_python(python_judge, name):
    play(python_judge, name)


def test_the_list_of_exceptions_names_real_cases():
    assert NEEDS_PYTHON <= set(NAMES)
    assert all(any(n.startswith(c) for n in NAMES) for c in CORRECTIONS)
    assert pathlib.Path(TRANSCRIPTS / "replay.py").exists()
