"""What a first visit to the editor finds, with nothing to download: a workflow that runs as it is, and templates that bring their pictures."""
import json
import pathlib

import pytest

from editor_page import EDITORS, Page, editor_flags
from harness import CACHE, Server, wait_for

WORKFLOWS = pathlib.Path(__file__).resolve().parents[2] / "workflows"
TITLES = {"start": "Text to image", "image_to_image": "Image to image", "upscale": "Upscale", "restore": "Restore an old photo"}
PROMPT = "async () => (await window.app.graphToPrompt()).output"
CLASSES = "() => window.app.graph._nodes.map(node => node.type)"
SHOWN = "names => names.every(name => performance.getEntriesByType('resource').some(one => one.name.endsWith(`/templates/${name}-1.webp`) && one.responseStatus === 200))"
WIDE = "() => { const n = window.app.graph._nodes.find(n => n.type === 'SaveImage'); return n && n.imgs && n.imgs.length && n.imgs[0].naturalWidth }"


@pytest.fixture(params=sorted(EDITORS), ids=lambda v: f"editor-{v}")
def server(request, tmp_path):
    with Server(tmp_path / "base", *editor_flags(request.param)) as running:
        running.version = request.param
        yield running


def written(name):
    return json.loads((WORKFLOWS / f"{name}.json").read_text())


def shoot(page, name):
    shot = CACHE / f"screens/{name}-{page.server.version}.png"
    shot.parent.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=str(shot))


def run(page, server):
    """Presses "Run"; the width of the picture on its node."""
    before = set(server.json("/history"))
    page.page.evaluate("() => window.app.queuePrompt(0, 1)")
    (job,) = wait_for(lambda: set(server.json("/history")) - before, 120, "the job ends")
    entry = server.json(f"/history/{job}")[job]
    assert entry["status"]["status_str"] == "success", entry["status"]
    page.page.wait_for_function(WIDE, timeout=15_000)
    return page.page.evaluate(WIDE)


def test_a_first_visit_begins_with_a_workflow_that_runs(browser, server):
    page = Page(browser, server)
    asked = []
    page.page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)) if "/templates/" in request.url else None)
    page.open()
    page.page.wait_for_function("() => window.app.graph._nodes.some(node => node.title === 'About')", timeout=30_000)
    page.page.wait_for_timeout(2000)  # in which a window of templates would open
    assert asked == ["/templates/start.json"]
    assert page.page.evaluate(PROMPT) == written("start")
    assert page.page.get_by_role("dialog").count() == 0
    assert run(page, server) == 128
    shoot(page, "first-visit")
    assert not page.complaints(), "\n".join(page.complaints())

    page.page.reload(wait_until="domcontentloaded")
    page.wait_until_there()
    page.page.wait_for_timeout(2000)
    assert asked == ["/templates/start.json"], "only the first visit begins with it"
    assert server.json("/settings/Comfy.TutorialCompleted") is True


@pytest.mark.parametrize("why", ["the model is left out", "work is kept in the browser"])
def test_it_is_no_first_visit_where(browser, tmp_path, why):
    for version in EDITORS:
        flags = ["--no-demonstration-models"] if "model" in why else []
        with Server(tmp_path / version, *editor_flags(version), *flags) as server:
            page = Page(browser, server)
            if not flags:
                page.page.add_init_script("localStorage.setItem('Comfy.PreviousWorkflow', '\"mine.json\"')")
            page.open()
            page.page.wait_for_timeout(3000)
            assert page.page.evaluate("() => window.LiteGraph.registered_node_types.LoadImage && performance.getEntriesByType('resource').some(one => one.name.endsWith('/extensions/darkroom/templates.js'))")
            assert not page.page.evaluate("() => window.app.graph._nodes.some(node => node.title === 'About')"), version


def test_templates_bring_what_they_start_from_and_run(browser, server):
    server.post("/settings/Comfy.TutorialCompleted", True).raise_for_status()
    page = Page(browser, server)
    page.open()
    for name, title in TITLES.items():
        page.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.BrowseTemplates')")
        card = page.page.get_by_text(title, exact=True).first
        card.wait_for(timeout=20_000)
        if name == "start":
            page.page.wait_for_function(SHOWN, arg=list(TITLES), timeout=20_000)
            shoot(page, "templates")
        card.click()
        wanted = written(name)
        page.page.wait_for_function("classes => classes.every(one => window.app.graph._nodes.some(node => node.type === one))",
                                    arg=[node["class_type"] for node in wanted.values()], timeout=30_000)
        page.page.wait_for_timeout(500)
        assert page.page.evaluate(PROMPT) == wanted
        assert run(page, server) == {"start": 128, "image_to_image": 128, "upscale": 2560, "restore": 2560}[name]
        shoot(page, f"template-{name}")
    assert sorted(server.json("/object_info/LoadImage")["LoadImage"]["input"]["required"]["image"][0]) == ["apple.png", "old_photo.jpg"]
    assert not page.complaints(), "\n".join(page.complaints())
