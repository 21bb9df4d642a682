"""The official editor in a real browser: boots without an exception, runs a workflow, shows the picture on the node."""
import io
import json
import pathlib
import shutil

import pytest
from PIL import Image

from editor_page import EDITORS, Page, be_at_home, editor_flags
from harness import CACHE, Server, wait_for
from identities import bearer, token, with_auth

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}, "_meta": {"title": "Photo"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Invert"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "from_editor"}, "_meta": {"title": "Save"}},
}

# The result is on its node.
SHOWN = "() => { const n = window.app.graph._nodes.find(n => n.type === 'SaveImage'); return n && n.imgs && n.imgs.length && n.imgs[0].naturalWidth === 96 }"


@pytest.fixture(params=sorted(EDITORS), ids=lambda v: f"editor-{v}")
def server(request, tmp_path):
    with Server(tmp_path / "base", *editor_flags(request.param)) as running:
        running.version = request.param
        be_at_home(running)
        yield running


def test_it_boots_and_runs_a_workflow(browser, server):
    page = Page(browser, server)
    page.open()
    page.page.wait_for_timeout(3000)  # what it asks for after the graph is there
    assert not page.complaints(), "\n".join(page.complaints())

    page.page.evaluate("workflow => window.app.loadApiJson(workflow, 'test')", WORKFLOW)
    assert page.page.evaluate("() => window.app.graph._nodes.length") == 3
    before = set(server.json("/history"))
    page.page.evaluate("() => window.app.queuePrompt(0, 1)")
    done = wait_for(lambda: set(server.json("/history")) - before, 30, "the editor's job ends")
    entry = server.json(f"/history/{next(iter(done))}")[next(iter(done))]
    assert entry["status"]["status_str"] == "success"
    saved = entry["outputs"]["3"]["images"][0]
    result = Image.open(io.BytesIO(server.view(saved)))
    # Saving truncates, as the original does: 1 - 200/255 in fp32 is a little below 55/255.
    assert result.getpixel((5, 5)) == (54, 135, 215)
    assert json.loads(result.text["workflow"])["nodes"], "the editor's own graph is in the file"

    # The picture arrives on the node, and nothing stays marked as running.
    page.page.wait_for_function(SHOWN, timeout=15_000)
    page.page.wait_for_timeout(500)
    shot = CACHE / f"screens/editor-{server.version}.png"
    shot.parent.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=str(shot))
    assert "%" not in page.page.title()
    assert not page.complaints(), "\n".join(page.complaints())


def test_a_pack_speaks_to_its_script_in_the_editor(browser, server):
    """examples/brightness: Python sends a message of its own, the script of the pack shows it on the node."""
    server.stop()
    shutil.copytree(ROOT / "examples/brightness", server.base / "custom_nodes/brightness")
    server.start()
    page = Page(browser, server)
    page.open()
    page.page.wait_for_function("() => window.LiteGraph.registered_node_types['ExampleBrightness']", timeout=30_000)
    page.page.evaluate("workflow => window.app.loadApiJson(workflow, 'test')", {
        "1": WORKFLOW["1"], "2": {"class_type": "ExampleBrightness", "inputs": {"image": ["1", 0], "limit": 0.4}, "_meta": {"title": "Brightness"}}})
    page.page.evaluate("() => window.app.queuePrompt(0, 1)")
    page.page.wait_for_function("() => window.app.graph._nodes.some(n => n.title === 'bright 47 %')", timeout=30_000)
    page.page.wait_for_timeout(500)
    shot = CACHE / f"screens/pack-{server.version}.png"
    shot.parent.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=str(shot))
    assert not page.complaints(), "\n".join(page.complaints())


def test_it_survives_the_loss_of_the_server(browser, server):
    page = Page(browser, server)
    page.open()
    client = page.page.evaluate("() => window.app.api ? window.app.api.clientId : window.comfyAPI.api.api.clientId")
    server.stop()
    server.start()
    wait_for(lambda: page.page.evaluate("() => (window.comfyAPI.api.api.socket || {}).readyState === 1"), 20, "it connects again")
    assert page.page.evaluate("() => window.comfyAPI.api.api.clientId") == client, "the session keeps its id"
    assert not page.exceptions


# ---- with logins

@pytest.fixture
def anna(tmp_path):
    """A server that wants tokens, as one of its users sees it."""
    with with_auth(tmp_path / "base") as running:
        user = running.as_somebody(bearer("anna"))
        be_at_home(user)
        yield user


# What a page of another site tries with the login of a visitor; the WebSocket's fate, and what came of reading.
FOREIGN = """async server => {
  const post = (path, body) => fetch(server + path, {method: "POST", mode: "no-cors", credentials: "include", body: JSON.stringify(body)});
  await post("/api/prompt", {prompt: {}});
  await post("/queue", {clear: true});
  const read = await fetch(server + "/history", {credentials: "include"}).then(reply => reply.text(), () => "refused");
  const socket = await new Promise(done => {
    const one = new WebSocket(server.replace("http", "ws") + "/ws");
    one.onopen = () => done("open");
    one.onerror = () => done("refused");
  });
  return [read, socket];
}"""


def test_it_works_behind_a_login(browser, anna, mock):
    page = Page(browser, anna, forbidden=["/internal/folder_paths"])  # folders of the server are for who runs it
    page.page.goto(anna.url)
    page.page.get_by_label("Access token").fill(token("anna"))
    page.page.keyboard.press("Enter")
    page.wait_until_there()
    wait_for(lambda: page.page.evaluate("() => (window.comfyAPI.api.api.socket || {}).readyState === 1"), 20, "its WebSocket is open")
    page.page.evaluate("workflow => window.app.loadApiJson(workflow, 'test')", WORKFLOW)
    page.page.evaluate("() => window.app.queuePrompt(0, 1)")
    page.page.wait_for_function(SHOWN, timeout=30_000)
    (job,) = anna.json("/history").values()
    assert job["outputs"]["3"]["images"][0]["filename"].startswith("from_editor")
    assert anna.as_somebody(bearer("bob")).json("/history") == {}
    assert not page.complaints(), "\n".join(page.complaints())

    foreign = page.page.context.new_page()
    answers = []
    foreign.on("response", lambda reply: answers.append((reply.status, reply.url[len(anna.url):])) if reply.url.startswith(anna.url) else None)
    # The same machine, another port: the browser sends the cookie along.
    foreign.route(mock.url + "/**", lambda route: route.continue_())
    foreign.goto(mock.url + "/elsewhere")
    assert foreign.evaluate(FOREIGN, anna.url) == ["refused", "refused"]
    assert answers == [(403, "/api/prompt"), (403, "/queue")]
