"""Packs of Python nodes: what they return, say and do wrong, as clients see it. The nodes are in tests/data/packs/trial."""
import io
import json
import pathlib
import shutil
import time

import pytest
from PIL import Image

from harness import DATA, Server, upscale, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp("packs") / "base"
    packs = base / "custom_nodes"
    shutil.copytree(DATA / "packs/trial", packs / "trial")
    for name, text in {"broken": "import no_such_module_at_all", "leaves": "raise SystemExit(1)", "asleep.disabled": "raise RuntimeError('never read')"}.items():
        (packs / name).mkdir(parents=True)
        (packs / name / "__init__.py").write_text(text)
    (packs / "single.py").write_text("class One:\n    RETURN_TYPES = ('INT',)\n    FUNCTION = 'go'\n    CATEGORY = 'tests'\n    @classmethod\n    def INPUT_TYPES(cls):\n"
                                     "        return {'required': {}}\n    def go(self):\n        return (1,)\nNODE_CLASS_MAPPINGS = {'TestOne': One, 'LoadImage': One}\n")
    for example in ("brightness", "threshold"):
        shutil.copytree(ROOT / "examples" / example, packs / example)
    with Server(base) as running:
        out = io.BytesIO()
        Image.new("RGB", (6, 4), (255, 0, 51)).save(out, "PNG")
        running.upload("p.png", out.getvalue())
        yield running


class Listener:
    """A socket of a client, and all that came over it."""

    def __init__(self, server, client):
        self.server, self.client, self.messages, self.binary = server, client, [], []

    def __enter__(self):
        self.connection = self.server.socket(self.client)
        self.socket = self.connection.__enter__()
        self.until("status")
        return self

    def __exit__(self, *error):
        self.connection.__exit__(*error)

    def until(self, kind, seconds=20):
        """The data of the first message of this type, those that came before it among them."""
        for seen, data in self.messages:
            if seen == kind:
                return data
        end = time.monotonic() + seconds
        while True:
            raw = self.socket.recv(timeout=max(0.01, end - time.monotonic()))
            if isinstance(raw, bytes):
                self.binary.append(raw)
                continue
            message = json.loads(raw)
            self.messages.append((message["type"], message["data"]))
            if message["type"] == kind:
                return message["data"]

    def types(self):
        """Of all that has come by now."""
        while True:
            try:
                raw = self.socket.recv(timeout=0.1)
            except TimeoutError:
                return [kind for kind, _ in self.messages]
            if isinstance(raw, bytes):
                self.binary.append(raw)
            else:
                message = json.loads(raw)
                self.messages.append((message["type"], message["data"]))


def run(server, prompt, client=None, seconds=60):
    return server.wait(server.queue(prompt, client), seconds)


def graph(**nodes):
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


IMAGE = ("LoadImage", {"image": "p.png"})

NUMBER = """
import time
class Number:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "tests"
    OUTPUT_NODE = True
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {})}}
    def go(self, seconds):
        from comfy.model_management import throw_exception_if_processing_interrupted
        end = time.time() + seconds
        while time.time() < end:
            throw_exception_if_processing_interrupted()
            time.sleep(0.01)
        return {"ui": {"text": ["%s"]}, "result": ("%s",)}
NODE_CLASS_MAPPINGS = {"TestNumber": Number}
"""


def test_schemas_are_told_as_written(server):
    info = server.json("/object_info/ExampleBrightness")["ExampleBrightness"]
    assert info["input"]["required"]["limit"] == ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01, "tooltip": "From here on it counts as bright."}]
    assert info["input"]["required"]["image"] == ["IMAGE", {}] and info["input"]["hidden"] == {"node_id": "UNIQUE_ID"}
    assert info["output_name"] == ["image", "brightness"] and info["display_name"] == "Brightness (example)" and info["python_module"] == "custom_nodes.brightness"
    assert server.json("/object_info/TestPointer")["TestPointer"]["input"]["required"]["image"] == ["IMAGE"]
    assert server.json("/object_info/TestOne")["TestOne"]["python_module"] == "custom_nodes.single"


def test_a_pack_cannot_take_the_place_of_a_node_of_ours(server):
    assert server.json("/object_info/LoadImage")["LoadImage"]["python_module"] == "nodes"


def test_packs_that_fail_are_left_out_with_a_reason(server):
    log = server.log_text()
    assert "pack broken can't be imported" in log and "No module named 'no_such_module_at_all'" in log
    assert "pack leaves can't be imported" in log and "never read" not in log


def test_the_example_sends_its_message_and_both_results(server):
    with Listener(server, "me") as mine, Listener(server, "you") as other:
        entry = run(server, graph(a=IMAGE, b=("ExampleBrightness", {"image": ["a", 0], "limit": 0.5}), c=("PreviewAny", {"source": ["b", 1]})), "me")
        assert entry["status"]["status_str"] == "success"
        assert entry["outputs"]["b"] == {"text": ["dark: 0.400"]} and entry["outputs"]["c"]["text"][0].startswith("0.4")
        said = mine.until("darkroom.example.brightness")
        assert said["node"] == "b" and said["word"] == "dark" and abs(said["brightness"] - 0.4) < 1e-6
        assert "darkroom.example.brightness" not in other.types()


def test_the_example_of_the_newer_form_does_the_same(server):
    info = server.json("/object_info/ExampleThreshold")["ExampleThreshold"]
    assert info["input"]["required"]["limit"] == ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01, "display": "slider"}]
    assert info["output"] == ["MASK", "FLOAT"] and info["python_module"] == "custom_nodes.threshold" and info["input"]["hidden"]["unique_id"] == ["UNIQUE_ID"]
    with Listener(server, "me") as mine:
        entry = run(server, graph(a=IMAGE, b=("ExampleThreshold", {"image": ["a", 0], "limit": 0.3}), c=("MaskToImage", {"mask": ["b", 0]}), d=("SaveImage", {"images": ["c", 0], "filename_prefix": "v3"})), "me")
        assert entry["status"]["status_str"] == "success", entry["status"]
        assert entry["outputs"]["b"] == {"text": ["100.0%"]} and mine.until("darkroom.example.threshold") == {"node": "b", "share": 1.0}
    assert Image.open(io.BytesIO(server.view(entry["outputs"]["d"]["images"][0]))).getpixel((0, 0)) == (255, 255, 255)


def test_its_validator_speaks_before_the_prompt_is_accepted(server):
    reply = server.post("/prompt", {"prompt": graph(a=IMAGE, b=("ExampleBrightness", {"image": ["a", 0], "limit": 1.0}))})
    assert reply.status_code == 400 and "no picture is brighter than white" in reply.text


def test_messages_go_to_whom_they_are_for(server):
    with Listener(server, "me") as mine, Listener(server, "somebody") as other:
        assert run(server, graph(a=("TestSay", {})), "me")["status"]["status_str"] == "success"
        one = mine.until("tests.one")
        assert one["client"] == "me" and one["node"] == "a" and one["odd"][:2] == [1, None]
        mine.until("tests.all")
        other.until("tests.all")
        other.until("tests.other")
        assert "tests.other" not in mine.types() and "tests.one" not in other.types()
        mine.types()
        assert (7).to_bytes(4, "big") + b"bytes" in mine.binary


def test_a_thread_of_a_node_is_heard(server):
    with Listener(server, "me") as mine:
        run(server, graph(a=("TestText", {"text": "hello"}), b=("TestThread", {"value": ["a", 0]})), "me")
        assert mine.until("tests.thread") == {"value": "hello"}


def test_tensors_go_to_python_and_back(server):
    entry = run(server, graph(a=IMAGE, b=("TestTensors", {"image": ["a", 0]}), c=("TestShapes", {"latent": ["b", 1], "mask": ["b", 2]}), d=("SaveImage", {"images": ["b", 0], "filename_prefix": "t"})))
    assert entry["status"]["status_str"] == "success", entry["status"]
    assert entry["outputs"]["c"] == {"latent": [[1, 4, 2, 3], 2.0, ["samples"]], "mask": [[1, 4, 6]]}
    assert Image.open(io.BytesIO(server.view(entry["outputs"]["d"]["images"][0]))).getpixel((0, 0)) == (0, 255, 204)


def test_tensors_are_not_copied(server):
    """Two looks at a native node's picture, and one at a picture of Python that has gone through a link, find the numbers at one address."""
    shown = lambda link: ("PreviewAny", {"source": link})
    told = run(server, graph(a=IMAGE, b=("TestPointer", {"image": ["a", 0], "look": 1}), c=("TestPointer", {"image": ["a", 0], "look": 2}), pb=shown(["b", 0]), pc=shown(["c", 0]),
                             m=("TestMade", {}), d=("TestPointer", {"image": ["m", 0], "look": 3}), pm=shown(["m", 1]), pd=shown(["d", 0])))["outputs"]
    assert told["pb"] == told["pc"] and told["pm"] == told["pd"] and told["pb"] != told["pm"]


def test_objects_of_python_pass_as_they_are(server):
    entry = run(server, graph(a=("TestThing", {}), b=("TestSame", {"value": ["a", 0]})))
    assert entry["outputs"]["b"] == {"same": [True]}


def test_models_pass_through_python_untouched(server):
    """What Python can't look into comes back as it went: the upscaler takes the network out of a Python node's hands."""
    prompt = upscale("p.png")
    prompt["between"] = {"class_type": "TestSame", "inputs": {"value": ["2", 0]}}
    prompt["3"]["inputs"]["upscale_model"] = ["between", 0]
    entry = run(server, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    assert Image.open(io.BytesIO(server.view(entry["outputs"]["4"]["images"][0]))).size == (24, 16)


def test_an_exception_is_told_with_its_traceback(server):
    entry = run(server, graph(a=("TestMisbehave", {"how": "raise"})))
    kind, error = entry["status"]["messages"][-1]
    assert kind == "execution_error" and error["exception_type"] == "ValueError" and error["exception_message"] == "a reason with ümlaut\n"
    assert error["node_id"] == "a" and error["node_type"] == "TestMisbehave"
    assert any("in Misbehave" in line and "__init__.py" in line for line in error["traceback"]) and not any("darkroom_host" in line for line in error["traceback"])


def test_what_a_node_must_not_return_is_its_error(server):
    error = run(server, graph(a=("TestMisbehave", {"how": "number"})))["status"]["messages"][-1][1]
    assert error["exception_type"] == "TypeError" and "int" in error["exception_message"]


def test_a_node_that_returns_nothing_is_an_error(server):
    error = server.wait(server.queue(graph(a=("TestMisbehave", {"how": "nothing"}))))["status"]["messages"][-1][1]
    assert error["exception_type"] == "TypeError" and "NoneType" in error["exception_message"]


def test_numbers_beyond_64_bits_in_a_schema_cost_nobody_his_class(server):
    assert server.json("/object_info/TestWide")["TestWide"]["input"]["required"]["n"][1]["max"] == 1e20


def test_async_nodes_compute_as_the_others_do(server):
    """In inference mode: else they could not write into what a native node made."""
    entry = run(server, graph(e=("EmptyImage", {"width": 8, "height": 8, "batch_size": 1, "color": 255}), b=("TestInPlace", {"image": ["e", 0]}), c=("PreviewAny", {"source": ["b", 0]})))
    assert entry["status"]["status_str"] == "success", entry["status"]
    assert entry["outputs"]["c"]["text"] == ["0.0"]


def test_system_exit_ends_the_node_alone(server):
    before = server.worker_pids()
    error = run(server, graph(a=("TestMisbehave", {"how": "system_exit"})))["status"]["messages"][-1][1]
    assert error["exception_type"] == "SystemExit" and server.worker_pids() == before


@pytest.mark.parametrize("how", ["exit", "crash"])
def test_a_node_that_ends_the_process_costs_its_own_job(server, how):
    entry = run(server, graph(a=("TestMisbehave", {"how": how})), seconds=90)
    error = entry["status"]["messages"][-1][1]
    assert error["exception_type"] == "WorkerLost" and error["node_id"] == "a"
    assert run(server, graph(a=("TestText", {"text": "again"}), b=("PreviewAny", {"source": ["a", 0]})), seconds=60)["outputs"]["b"]["text"] == ["again"]


def test_an_interrupt_reaches_a_node_that_looks(server):
    with Listener(server, "me") as mine:
        job = server.queue(graph(a=("TestWait", {"seconds": 60.0})), "me")
        mine.until("executing")
        server.post("/interrupt", {})
        said = mine.until("execution_interrupted")
        assert said["prompt_id"] == job and said["node_id"] == "a" and said["node_type"] == "TestWait"


def test_async_nodes_run_side_by_side_and_tell_their_progress(server):
    with Listener(server, "me") as mine:
        entry = run(server, graph(t=("TestText", {"text": "x"}), a=("TestLater", {"value": ["t", 0]}), b=("TestLater", {"value": ["t", 0]})), "me")
        assert entry["status"]["status_str"] == "success"
        mine.types()
        nodes = {event["node"] for kind, event in mine.messages if kind == "progress"}
        assert nodes == {"a", "b"}
    entry = run(server, graph(t=("TestText", {"text": "fail"}), a=("TestLater", {"value": ["t", 0]})))
    assert entry["status"]["messages"][-1][1]["exception_message"] == "later than sooner\n"


def test_a_validator_that_never_answers_is_an_error(server):
    pids = server.worker_pids()
    reply = server.post("/prompt", {"prompt": graph(a=("TestEndless", {"n": 1}))})
    assert reply.status_code == 400 and "TestEndless" in reply.text and "within 5 s" in reply.text
    assert "two is too many" in server.post("/prompt", {"prompt": graph(a=("TestEndless", {"n": 2}))}).text
    assert run(server, graph(a=("TestEndless", {"n": 0})))["status"]["status_str"] == "success"
    assert server.worker_pids() == pids, "it answered pings all the while"


def test_folders_are_those_of_the_server(server):
    own = server.base / "models/checkpoints/zz_own.safetensors"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("listed by its name alone")
    try:
        told, listed = run(server, graph(a=("TestFolders", {})))["outputs"]["a"], server.json("/models/checkpoints")
    finally:
        own.unlink()
    assert told["folders"] == [str(server.base / "input"), None, str(server.base / "models")]
    assert told["names"] == [str(server.base / "output/x.png")]
    assert told["checkpoints"] == listed == ["zz_own.safetensors", "darkroom-demo.safetensors"]


def test_packs_can_be_switched_off_but_some(tmp_path):
    scripts = lambda server: [path for path in server.json("/extensions") if not path.startswith(("/extensions/core/", "/extensions/darkroom/"))]
    packs = tmp_path / "base/custom_nodes"
    shutil.copytree(ROOT / "examples/brightness", packs / "brightness")
    shutil.copytree(ROOT / "examples/brightness", packs / "other")
    with Server(tmp_path / "base", "--disable-all-custom-nodes") as none:
        assert none.get("/object_info/ExampleBrightness").json() == {} and not scripts(none)
    with Server(tmp_path / "base", "--disable-all-custom-nodes", "--whitelist-custom-nodes", "brightness") as one:
        assert one.json("/object_info/ExampleBrightness")["ExampleBrightness"]["python_module"] == "custom_nodes.brightness"
        assert scripts(one) == ["/extensions/brightness/brightness.js"]


def test_without_packs_python_is_not_started(tmp_path):
    with Server(tmp_path / "base") as plain:
        maps = pathlib.Path(f"/proc/{plain.worker_pids()[0]}/maps").read_text()
        assert "libtorch_python" not in maps and "encodings" not in maps


@pytest.mark.parametrize("raises", [False, True])
def test_a_node_that_forks_runs_once(server, raises):
    worker = server.worker_pids()[0]
    entry = run(server, graph(a=("TestForks", {"raises": raises})))
    assert entry["status"]["status_str"] == "success" and entry["outputs"]["a"]["text"] == ["True"]
    children = pathlib.Path(f"/proc/{worker}/task/{worker}/children")
    assert [kind for kind, _ in entry["status"]["messages"]].count("execution_success") == 1 and server.worker_pids()[0] == worker
    states = [pathlib.Path(f"/proc/{child}/stat").read_text().split(")")[1].split()[0] for child in children.read_text().split()]
    assert all(state == "Z" for state in states)  # ended; whoever forks waits for them


def test_a_node_that_leaks_costs_its_own_job(tmp_path):
    shutil.copytree(DATA / "packs/trial", tmp_path / "base/custom_nodes/trial")
    with Server(tmp_path / "base", "--ram", "1500M") as server:
        entry = run(server, graph(a=("TestLeaks", {"megabytes": 2000})))
        kind, error = entry["status"]["messages"][-1]
        assert kind == "execution_error" and error["node_id"] == "a" and "memory" in error["exception_message"]
        assert run(server, graph(a=("TestForks", {"raises": False})))["status"]["status_str"] == "success"


def test_a_pack_that_ends_the_process_at_import_is_left_out(tmp_path):
    packs = tmp_path / "base/custom_nodes"
    shutil.copytree(ROOT / "examples/brightness", packs / "brightness")
    (packs / "deadly.py").write_text("import os\nos._exit(7)\n")
    with Server(tmp_path / "base") as server:
        assert server.json("/object_info/ExampleBrightness")
        told = {pack["name"]: pack for pack in server.json("/darkroom/packs")["packs"]}
        assert told["brightness"]["state"] == "ok" and told["deadly.py"]["state"] == "failed" and "2 workers died" in told["deadly.py"]["reason"]
        assert "workers died while the pack deadly.py was imported" in server.log_text()


def test_a_prompt_handler_may_come_late(tmp_path):
    pack = tmp_path / "base/custom_nodes/late.py"
    pack.parent.mkdir(parents=True)
    pack.write_text(NUMBER % ("one", "one") + """
from server import PromptServer
first = Number.go
def go(self, seconds):
    PromptServer.instance.add_on_prompt_handler(lambda body: body["prompt"]["a"]["inputs"].update(seconds=0.25) or body)
    return {"ui": {"text": [str(seconds)]}, "result": ("",)}
Number.go = go
""")
    with Server(tmp_path / "base") as server:
        assert run(server, graph(a=("TestNumber", {"seconds": 0.5})))["outputs"]["a"]["text"] == ["0.5"]
        assert run(server, graph(a=("TestNumber", {"seconds": 0.75})))["outputs"]["a"]["text"] == ["0.25"]


def test_a_class_with_the_name_of_a_native_one_is_told_of(server):
    told = {pack["name"]: pack for pack in server.json("/darkroom/packs")["packs"]}
    assert told["single.py"]["left_out"] == ["LoadImage: the name is that of a native node"] and told["single.py"]["classes"] == 1


def test_packs_can_be_denied_by_name(tmp_path):
    packs = tmp_path / "base/custom_nodes"
    shutil.copytree(ROOT / "examples/brightness", packs / "brightness")
    shutil.copytree(ROOT / "examples/threshold", packs / "threshold")
    with Server(tmp_path / "base", "--deny-custom-nodes", "brightness") as one:
        assert one.get("/object_info/ExampleBrightness").json() == {} and one.json("/object_info/ExampleThreshold")
        assert [path for path in one.json("/extensions") if "brightness" in path] == []




def test_with_dev_packs_are_loaded_anew_when_they_change(tmp_path):
    pack = tmp_path / "base/custom_nodes/number.py"
    pack.parent.mkdir(parents=True)
    pack.write_text(NUMBER % ("one", "one"))
    with Server(tmp_path / "base", "--dev") as server:
        assert run(server, graph(a=("TestNumber", {"seconds": 0.0})))["outputs"]["a"]["text"] == ["one"]
        with Listener(server, "me") as mine:
            job = server.queue(graph(a=("TestNumber", {"seconds": 6.0})), "me")  # it runs when the code changes, and begins anew
            mine.until("executing")
            pack.write_text(NUMBER % ("two", "two"))
            assert server.wait(job, 60)["outputs"]["a"]["text"] == ["two"]
        assert "loaded anew" in server.log_text() and "ended unexpectedly" not in server.log_text()


def test_with_dev_a_deadly_pack_that_was_mended_is_loaded(tmp_path):
    pack = tmp_path / "base/custom_nodes/number.py"
    pack.parent.mkdir(parents=True)
    pack.write_text("import os\nos._exit(7)\n")
    with Server(tmp_path / "base", "--dev") as server:
        wait_for(lambda: [one["state"] for one in server.json("/darkroom/packs")["packs"]] == ["failed"], 30, "the pack is left out")
        pack.write_text(NUMBER % ("mended", "mended"))
        wait_for(lambda: server.get("/object_info/TestNumber").json(), 30, "the pack is loaded")
        assert run(server, graph(a=("TestNumber", {"seconds": 0.0})))["outputs"]["a"]["text"] == ["mended"]
