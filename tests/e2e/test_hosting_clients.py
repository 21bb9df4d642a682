"""Programs that drive a server: our C++ library as other projects install it, its two examples, and the Python module beside them."""
import json
import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from harness import BIN, ROOT, Server, empty_image, link_golden_models, wait_for
from proxy import Proxy

sys.path.insert(0, str(ROOT / "examples/python"))
import darkroom_client  # noqa: E402

MODEL = "tiny_sd15.safetensors"
BUILD = BIN.parent


def text_to_image():
    return {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 3, "cfg": 5.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
                                                       "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": MODEL}},
            "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "before", "clip": ["4", 1]}, "_meta": {"title": "Positive"}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "before", "clip": ["4", 1]}, "_meta": {"title": "Negative"}},
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "drawn"}},
            "10": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}}


def image_to_image():
    graph = text_to_image()
    graph["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["11", 0], "vae": ["4", 2]}}
    graph["11"] = {"class_type": "LoadImage", "inputs": {"image": "none.png"}}
    graph["3"]["inputs"]["denoise"] = 0.6
    return graph


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The two examples, built against the package as it is installed."""
    folder = tmp_path_factory.mktemp("package")
    run = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    run("cmake", "--install", BUILD, "--component", "client", "--prefix", folder / "installed")
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    run("cmake", "-S", ROOT / "examples/client", "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={folder / 'installed'}", *launcher)
    run("cmake", "--build", folder / "build", "-j", "2")
    assert not [line for line in subprocess.run(["ldd", folder / "build/text_to_image"], capture_output=True, text=True).stdout.splitlines() if "torch" in line or "vips" in line]
    return folder / "build"


@pytest.fixture
def here(tmp_path):
    (tmp_path / "t2i.json").write_text(json.dumps(text_to_image()))
    (tmp_path / "i2i.json").write_text(json.dumps(image_to_image()))
    Image.new("RGB", (64, 64), (200, 100, 50)).save(tmp_path / "photo.png")
    return tmp_path


def embedded_prompt(path):
    return json.loads(Image.open(path).text["prompt"])


def test_text_to_image_from_cpp(programs, server, here):
    done = subprocess.run([programs / "text_to_image", server.url, "t2i.json", "a red apple", "rain"], cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "/output/drawn_" in lines[-1] and any(line.endswith(" of 8: 3") for line in lines)
    assert [line for line in lines if line.startswith("  step")] == ["  step 1 of 3", "  step 2 of 3", "  step 3 of 3"]
    assert any("preview: " in line and "image/jpeg" in line for line in lines)
    graph = embedded_prompt(here / lines[-1])
    assert (graph["6"]["inputs"]["text"], graph["7"]["inputs"]["text"]) == ("a red apple", "rain") and graph["3"]["inputs"]["seed"] != 1
    again = subprocess.run([programs / "text_to_image", server.url, "t2i.json", "a red apple"], cwd=here, capture_output=True, text=True, timeout=60)
    assert embedded_prompt(here / again.stdout.splitlines()[-1])["3"]["inputs"]["seed"] != graph["3"]["inputs"]["seed"]


def test_image_to_image_from_cpp(programs, server, here):
    done = subprocess.run([programs / "image_to_image", server.url, "i2i.json", "photo.png", "in winter"], cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    saved, preview = sorted(line for line in done.stdout.splitlines() if "/output/" in line)
    assert "/output/drawn_" in saved and "/output/temp/" in preview
    graph = embedded_prompt(here / saved)
    assert graph["6"]["inputs"]["text"] == "in winter" and graph["7"]["inputs"]["text"] == "before"
    assert graph["11"]["inputs"]["image"].startswith("photo")


@pytest.mark.parametrize("workflow, says", [("none.json", "can't be opened"), ("photo.png", "is no JSON"), ("refused.json", "Value not in list: ckpt_name")])
def test_what_a_cpp_program_hears_of_a_fault(programs, server, here, workflow, says):
    graph = text_to_image()
    graph["4"]["inputs"]["ckpt_name"] = "none.safetensors"
    (here / "refused.json").write_text(json.dumps(graph))
    done = subprocess.run([programs / "text_to_image", server.url, workflow, "x"], cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and says in done.stderr, done.stderr


def test_a_job_survives_a_restart_of_the_server_under_a_cpp_program(programs, tmp_path, here):
    """The socket breaks, the program opens it again, and the job, which the server goes on with, ends for it too."""
    base = tmp_path / "base"
    base.mkdir()
    link_golden_models(base)
    graph = text_to_image()
    graph["3"]["inputs"].update(steps=100)
    (here / "long.json").write_text(json.dumps(graph))
    with Server(base) as own:
        process = subprocess.Popen([programs / "text_to_image", own.url, "long.json", "a lighthouse"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith("  step 3 "):
                break
        own.kill()
        own.start()
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert "/output/drawn_" in out.splitlines()[-1]


def test_the_python_module(server, here):
    client = darkroom_client.Client(server.url)
    heard = []
    paths = client.prompt_to_image(darkroom_client.load_workflow(here / "t2i.json"), "a red apple", "rain", folder=here / "out", progress=lambda kind, data: heard.append(kind))
    assert [p.name.split("_")[0] for p in paths] == ["drawn"] and heard[-1] == "done"
    assert heard.count("step") == 3 and {"node", "preview", "output"} <= set(heard)
    assert embedded_prompt(paths[0])["6"]["inputs"]["text"] == "a red apple"
    paths = client.prompt_image_to_image(darkroom_client.load_workflow(here / "i2i.json"), here / "photo.png", "in winter", folder=here / "out", save_previews=True)
    assert len(paths) == 2 and paths[1].parent.name == "temp"
    with pytest.raises(ValueError, match="no JSON"):
        darkroom_client.load_workflow(here / "photo.png")
    with pytest.raises(FileNotFoundError):
        darkroom_client.load_workflow(here / "none.json")
    graph = text_to_image()
    darkroom_client.set_input(graph, "Positive", "text", "by title")
    darkroom_client.set_input(graph, "SaveImage", "filename_prefix", "by class")
    assert graph["6"]["inputs"]["text"] == "by title" and graph["9"]["inputs"]["filename_prefix"] == "by class"
    graph["4"]["inputs"]["ckpt_name"] = "none"
    with pytest.raises(darkroom_client.ServerError) as refused:
        client.queue_prompt(graph)
    assert refused.value.status == 400


# ---- the command

def darkroom(server, *arguments, **kw):
    return subprocess.run([str(BIN / "darkroom"), *map(str, arguments)], env={**os.environ, "DARKROOM_SERVER": server.url}, capture_output=True, text=True, timeout=60, **kw)


def said(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_shell_uploads_runs_looks_and_fetches(server, here):
    name = darkroom(server, "upload", "photo.png", "--subfolder", "shell", "--overwrite", cwd=here).stdout.strip()
    assert name == "shell/photo.png"
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "?"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "shell/copy"}}}
    (here / "copy.json").write_text(json.dumps(graph))
    ran = said(darkroom(server, "run", "copy.json", "--server", server.url, "--set", f"LoadImage.image={name}", "--json", "-q", "-o", "out", cwd=here))
    assert len(ran["files"]) == 1 and (here / ran["files"][0]).exists()
    entry = said(darkroom(server, "history", ran["prompt_id"], "--json"))
    assert entry["status"]["status_str"] == "success"
    listed, = darkroom(server, "history", ran["prompt_id"]).stdout.splitlines()
    assert listed.startswith("shell/copy_")
    assert ran["prompt_id"] in darkroom(server, "history", "--max", 1).stdout
    one = subprocess.run([BIN / "darkroom", "view", listed, "-o", "-", "--server", server.url], capture_output=True, timeout=60)
    assert darkroom(server, "view", listed, "-o", "fetched.png", cwd=here).stdout == "fetched.png\n"
    assert Image.open(here / "fetched.png").size == (64, 64) and one.stdout == (here / "fetched.png").read_bytes()
    assert said(darkroom(server, "view", "--job", ran["prompt_id"], "-o", "all", "--json", cwd=here)) == [str(here / "all" / listed)]
    assert darkroom(server, "history", "delete", ran["prompt_id"]).returncode == 0
    gone = darkroom(server, "history", ran["prompt_id"])
    assert gone.returncode == 3 and "no job" in gone.stderr
    missing = darkroom(server, "view", "none.png")
    assert missing.returncode == 3 and missing.stdout == ""


def test_a_shell_queues_watches_and_stops(own, here):
    server = own()
    slow = {"1": {"class_type": "EmptyImage", "inputs": {"width": 4096, "height": 4096, "batch_size": 1, "color": 1}},
            "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
            "3": {"class_type": "ImageBlur", "inputs": {"image": ["2", 0], "blur_radius": 31, "sigma": 9.0}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "slow"}}}
    (here / "slow.json").write_text(json.dumps(slow))
    (here / "quick.json").write_text(json.dumps(empty_image("quick")))
    queue = lambda file: darkroom(server, "run", file, "--server", server.url, "--client-id", "me", "--no-wait", cwd=here).stdout.strip()
    first, second, third = queue("slow.json"), queue("quick.json"), queue("quick.json")
    shown = said(darkroom(server, "queue", "--json"))
    assert [entry["prompt_id"] for entry in shown["running"] + shown["pending"]] == [first, second, third]
    assert darkroom(server, "queue").stdout.splitlines()[-1].split() == ["2", third, "2", "nodes"] or shown["running"] == []
    assert darkroom(server, "queue", "delete", third).returncode == 0
    watching = subprocess.Popen([str(BIN / "darkroom"), "events", "--client-id", "me", "--job", second, "--json", "--server", server.url], stdout=subprocess.PIPE, text=True)
    assert darkroom(server, "interrupt", first).returncode == 0
    heard = [json.loads(line) for line in watching.communicate(timeout=60)[0].splitlines()]
    assert watching.returncode == 0 and all(message["data"]["prompt_id"] == second for message in heard)
    assert server.wait(first)["status"]["status_str"] == "error"
    assert server.wait(second)["status"]["status_str"] == "success"
    assert said(darkroom(server, "queue", "--json")) == {"running": [], "pending": []}
    assert third not in said(darkroom(server, "history", "--json"))


def test_a_visitor_behind_a_proxy_keeps_the_cookie_that_says_who_it_is(server, here):
    """Without keys the world's visitors are told apart by cookies; a run is one visitor from its first request to its last."""
    (here / "quick.json").write_text(json.dumps(empty_image("visitor")))
    proxy = Proxy(server.url, headers={"X-Forwarded-For": "203.0.113.7"})
    try:
        done = darkroom(server, "run", "quick.json", "--server", proxy.url, "-o", "out", cwd=here)
        assert done.returncode == 0, done.stderr
        assert "finished 2 SaveImage" in done.stderr and Image.open(done.stdout.strip()).size == (16, 16)
    finally:
        proxy.close()


def test_a_run_hears_that_its_job_was_deleted_while_it_waited(own, here):
    server = own()
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 4096, "height": 4096, "batch_size": 4, "color": 1}},
             "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
             "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "slow"}}}
    slow = server.queue(graph)
    (here / "quick.json").write_text(json.dumps(empty_image("deleted")))
    run = subprocess.Popen([BIN / "darkroom", "run", "quick.json", "--server", server.url], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    waiting = wait_for(lambda: server.json("/queue")["queue_pending"], 20, "it waits")[0][1]
    assert darkroom(server, "queue", "delete", waiting).returncode == 0
    out, err = run.communicate(timeout=30)
    assert (run.returncode, out) == (5, "") and "taken out of the queue" in err
    server.post("/interrupt", {"prompt_id": slow})


def test_a_flag_counts_more_than_the_environment(server):
    nowhere = type("Nowhere", (), {"url": "http://127.0.0.1:1"})
    assert darkroom(nowhere, "queue", "--server", server.url).returncode == 0
    assert darkroom(nowhere, "queue", "clear", "--server", server.url).returncode == 0


def test_a_job_that_another_socket_hears_of_ends_all_the_same(server, here):
    """Of two sockets with one client id only the newer is spoken to; the older run looks for itself."""
    (here / "quick.json").write_text(json.dumps(empty_image("two sockets")))
    graph = text_to_image()
    graph["3"]["inputs"]["steps"] = 40
    (here / "long.json").write_text(json.dumps(graph))
    run = subprocess.Popen([BIN / "darkroom", "run", "long.json", "--server", server.url, "--client-id", "twice", "-o", "out"], cwd=here, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    for line in run.stderr:
        if "running" in line:
            break
    listen = subprocess.Popen([BIN / "darkroom", "events", "--server", server.url, "--client-id", "twice"], stdout=subprocess.DEVNULL)
    try:
        out, err = run.communicate(timeout=90)
        assert run.returncode == 0, err
        assert "drawn_" in out
    finally:
        listen.kill()
        listen.wait()


def test_a_server_that_is_not_there(here):
    nowhere = type("Nowhere", (), {"url": "http://127.0.0.1:1"})
    for command in (["queue"], ["history"], ["view", "x.png"], ["interrupt"], ["events", "--client-id", "x"], ["upload", "photo.png"]):
        done = darkroom(nowhere, *command, cwd=here)
        assert done.returncode == 6 and "no server at 127.0.0.1:1" in done.stderr and done.stdout == "", command


def test_shells_complete_and_the_manual_is_one(server, here):
    script = darkroom(server, "completion", "bash").stdout
    bash = subprocess.run(["bash", "-c", f"PATH={BIN}:$PATH\n{script}\nCOMP_WORDS=(darkroom upload --ty); COMP_CWORD=2; _darkroom; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
                           "COMP_WORDS=(darkroom upload ph); COMP_CWORD=2; _darkroom; printf '%s\\n' \"${COMPREPLY[@]}\""], cwd=here, capture_output=True, text=True)
    assert bash.stdout.split() == ["--type", "photo.png"], bash
    page = darkroom(server, "man").stdout
    assert page.startswith(".TH DARKROOM 1") and '.SS "serve"' in page and '.SS "events"' in page
    if shutil.which("groff"):
        assert "Warning" not in subprocess.run(["groff", "-man", "-Tascii", "-ww"], input=page, capture_output=True, text=True).stderr
