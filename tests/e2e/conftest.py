import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import Server, link_golden_models  # noqa: E402
from model_hub import Hub, Puller  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server that several tests share: none may stop it, and none may count on an empty queue or history."""
    base = tmp_path_factory.mktemp("shared")
    link_golden_models(base)
    with Server(base) as running:
        yield running


@pytest.fixture
def own(tmp_path):
    """Makes servers that belong to one test: `own()`, `own("--cache-none")`, `own(test_worker=True)`."""
    started = []

    def make(*flags, ready=True, **kw):
        one = Server(tmp_path / f"server{len(started)}", *flags, **kw)
        started.append(one)
        one.start(ready)
        return one

    yield make
    for one in started:
        one.stop()
        one.http.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate of 127.0.0.1 and localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=darkroom test",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return str(cert), str(key)


@pytest.fixture
def hub():
    one = Hub()
    yield one
    one.close()


@pytest.fixture
def pull(tmp_path):
    return Puller(tmp_path / "base")
