import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import Server, link_golden_models  # noqa: E402


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
