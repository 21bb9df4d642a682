import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import pytest  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from photo_services import Double, Real  # noqa: E402
from restore_mock import RestoreMock  # noqa: E402
from restore_page import Visit  # noqa: E402


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path="/usr/bin/chromium", args=[
            "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        yield chromium
        chromium.close()


@pytest.fixture
def mock():
    one = RestoreMock()
    yield one
    one.release()
    one.close()


@pytest.fixture(params=["double", "real"])
def service(request, tmp_path):
    one = Double() if request.param == "double" else Real(tmp_path / "base")
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def visit(browser):
    """Makes visits: `visit(url)`; the page must have been sound when the test ends."""
    made, contexts = [], []

    def make(url, with_trouble=False, context=None, **options):
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", "locale": "en-GB", "accept_downloads": True, **options})
            contexts.append(context)
        made.append(Visit(context, url, with_trouble))
        return made[-1].open()

    yield make
    for one in made:
        one.sound()
    for context in contexts:
        context.close()
