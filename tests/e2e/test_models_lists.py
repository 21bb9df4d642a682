"""The lists of models that `darkroom models` knows by name, and the licences of what they name."""
import os
import pty
import re
import subprocess

import pytest

from harness import BIN, ROOT
from model_hub import DATA, SUM


def own_list(pull, text):
    (pull.base / "user").mkdir(parents=True, exist_ok=True)
    (pull.base / "user/models.yaml").write_text(text)


def entry(hub, name="fox", **more):
    fields = {"url": hub.url + "/fox", "folder": "loras", "file": "fox.safetensors", "licence": "MIT", "licence_url": "https://example.org/mit", **more}
    return f"{name}:\n" + "".join(f"  {key}: {value}\n" for key, value in fields.items())


def models_list(pull):
    return subprocess.run([str(BIN / "darkroom"), "models", "list", "--base-directory", str(pull.base)], capture_output=True, text=True, timeout=20)


def test_the_users_list_adds_and_overrides(hub, pull):
    own_list(pull, entry(hub, sha256=SUM, source="https://example.org", size=len(DATA)) + entry(hub, "sd15", description="mine"))
    before = models_list(pull)
    assert before.returncode == 0 and "  fox " in before.stdout and "sdxl-vae" in before.stdout
    assert "mine" in before.stdout and "v1-5-pruned" not in before.stdout and "* fox" not in before.stdout
    done = pull("fox")
    assert done.returncode == 0, done.stderr
    assert "MIT, https://example.org/mit" in done.stderr and done.stderr.index("MIT") < done.stderr.index("100%")
    assert (pull.base / "models/loras/fox.safetensors").read_bytes() == DATA
    assert "* fox" in models_list(pull).stdout


def test_a_licence_with_terms_is_asked_for(hub, pull):
    own_list(pull, entry(hub, accept="true"))
    done = pull("fox")
    assert done.returncode == 2 and "--yes" in done.stderr and "MIT" in done.stderr and hub.requests == []
    for answer, code in ((b"n\n", 5), (b"\n", 5), (b"y\n", 0)):
        master, slave = pty.openpty()
        process = subprocess.Popen(pull.command("fox"), stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.write(master, answer)
        _, shown = process.communicate(timeout=30)
        os.close(master), os.close(slave)
        assert process.returncode == code and "[y/N]" in shown, shown
    assert pull("fox", "--yes", "--force").returncode == 0


def test_a_size_that_differs_from_the_lists_is_told_before_the_download(hub, pull):
    own_list(pull, entry(hub, size=len(DATA) + 1))
    done = pull("fox")
    assert done.returncode == 1 and f"{len(DATA)} bytes, not {len(DATA) + 1}" in done.stderr and pull.files() == ["user/models.yaml"]


@pytest.mark.parametrize("text, words", [
    ("fox: 1\n", "must hold keys"), ("- fox\n", "NAME"), ("fox:\n  url: https://a/b.pt\n", "lacks folder"), ("fox: {url: [}\n", "models.yaml:1"),
    ("fox: {url: 'https://a/b.pt', folder: loras, file: b.pt, licence: MIT, sha256: abc}\n", "64 hexadecimal"),
    ("fox: {url: 'https://a/b.pt', folder: loras, file: b.pt, licence: MIT, sha256: " + "a" * 64 + "}\n", "source"),
    ("fox: {url: 'https://a/b.pt', folder: loras, file: b.pt, licence: MIT, licence-url: x}\n", "no such key: licence-url"),
    ("fox: {url: 'https://a/b.pt', folder: loras, file: ../b.pt, licence: MIT}\n", "character"),
])
def test_a_fault_in_the_list_is_told(pull, text, words):
    own_list(pull, text)
    done = pull("fox")
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_the_shipped_list_is_well_formed():
    yaml = (ROOT / "models/known_models.yaml").read_text()
    done = subprocess.run([str(BIN / "darkroom"), "models", "list", "--base-directory", "/nonexistent"], capture_output=True, text=True, timeout=20)
    names = re.findall(r"^([\w-]+):$", yaml, re.M)
    assert done.returncode == 0 and len(names) >= 5, done.stderr
    assert all(re.search(rf"^[ *] {name} ", done.stdout, re.M) for name in names)
    assert not re.search(r"^  url: http:", yaml, re.M)
