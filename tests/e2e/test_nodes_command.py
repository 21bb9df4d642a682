"""`darkroom nodes`: what packs bring, and why one brings nothing."""
import json
import shutil
import subprocess

import pytest

from harness import BIN, ROOT


def nodes(tmp_path, *arguments):
    return subprocess.run([BIN / "darkroom", "nodes", *arguments, "--base-directory", tmp_path / "base"], capture_output=True, text=True, timeout=120)


WRONG = """
from comfy.ldm.modules.attention import CrossAttention
from server import PromptServer

@PromptServer.instance.routes.get("/wrong/state")
async def state(request):
    pass

class Good:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {})}, "optional": {"b": ("MODEL",)}}
    def go(self, a, b=None):
        return (a,)

class Bad(Good):
    @classmethod
    def INPUT_TYPES(cls):
        raise RuntimeError("no inputs today")

NODE_CLASS_MAPPINGS = {"TestGood": Good, "TestBad": Bad}
"""


def test_check_shows_a_pack_and_what_is_wrong_with_it(tmp_path):
    pack = tmp_path / "elsewhere/odd"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(WRONG)
    shown = nodes(tmp_path, "check", pack)
    assert shown.returncode == 0, shown.stderr
    assert "odd: 1 node classes" in shown.stdout and "TestGood (a INT, b? MODEL) -> INT" in shown.stdout
    assert "TestBad: RuntimeError: no inputs today" in shown.stdout
    assert "comfy.ldm.modules.attention.CrossAttention" in shown.stdout and "GET /wrong/state" in shown.stdout
    told = json.loads(nodes(tmp_path, "check", pack, "--json").stdout)
    assert told["node_classes"] == ["TestGood"] and told["state"] == "ok"


def test_check_says_why_a_pack_can_not_be_imported(tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    shown = nodes(tmp_path, "check", tmp_path / "broken.py")
    assert shown.returncode == 1 and "can't be imported: ModuleNotFoundError: No module named 'no_such_module_at_all'" in shown.stdout
    assert "Traceback" in shown.stdout


@pytest.mark.parametrize("what", ["empty", "text.txt"])
def test_check_refuses_what_is_no_pack(tmp_path, what):
    path = tmp_path / what
    path.mkdir() if "." not in what else path.write_text("x")
    assert nodes(tmp_path, "check", path).returncode == 2


def test_list_shows_all_packs(tmp_path):
    packs = tmp_path / "base/custom_nodes"
    shutil.copytree(ROOT / "examples/brightness", packs / "brightness")
    (packs / "broken.py").write_text("1/0\n")
    shown = nodes(tmp_path, "list")
    assert shown.returncode == 0 and "brightness: 1 node classes" in shown.stdout and "  ExampleBrightness" in shown.stdout
    assert "broken.py: can't be imported: ZeroDivisionError" in shown.stdout
    assert nodes(tmp_path / "none", "list").stdout.startswith("There are no packs")
