"""The bench's own Python: the project's torch, and the peers of requirements.txt beside it."""
import hashlib
import pathlib
import shutil
import subprocess
import sys

from sides import weights

WANTED = pathlib.Path(__file__).with_name("requirements.txt")


def environment():
    """Its interpreter; made in the cache at first use, and again when what it shall hold has changed."""
    stamp = hashlib.sha256(WANTED.read_bytes() + sys.prefix.encode()).hexdigest()[:12]
    folder = weights.CACHE.parent / "bench-venv"
    if not (folder / stamp).exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", WANTED], check=True)
        site = next((folder / "lib").glob("python*/site-packages"))
        project = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages"))
        (site / "project.pth").write_text(f"{project}\n")
        (folder / stamp).touch()
    return folder / "bin/python"
