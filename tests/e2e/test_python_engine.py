"""Conditionings, latents and networks in the hands of Python nodes: what they change counts, what they leave is the same. The nodes are in
tests/data/packs/engine."""
import ast
import os
import shutil
import time

import pytest

from harness import DATA, GOLDEN_MODELS, Server, messages_until_end


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "first").touch()
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, files):
    base = tmp_path_factory.mktemp("engine") / "base"
    shutil.copytree(DATA / "packs/engine", base / "custom_nodes/engine")
    (base / "models").symlink_to(GOLDEN_MODELS)
    os.environ["ENGINE_FILES"] = str(files)
    with Server(base) as running:
        yield running


def graph(**nodes):
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def run(server, seconds=120, **nodes):
    return server.wait(server.queue(graph(**nodes)), seconds)


def shown(entry, name):
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1][1].get("traceback", []) + [entry["status"]["messages"][-1][1].get("exception_message")]
    return ast.literal_eval(entry["outputs"][name]["text"][0])


MODEL = {"m": ("CheckpointLoaderSimple", {"ckpt_name": "tiny_sd15.safetensors"}), "v": ("VAELoader", {"vae_name": "tiny_vae.safetensors"})}
TEXTS = {"p": ("CLIPTextEncode", {"clip": ["m", 1], "text": "a (red:1.3) apple"}), "n": ("CLIPTextEncode", {"clip": ["m", 1], "text": "blue"}),
         "l": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1})}
SAMPLER = {"seed": 5, "steps": 3, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "positive": ["p", 0], "negative": ["n", 0], "latent_image": ["l", 0]}


def compared(server, sampler, **nodes):
    """How far the latent of `sampler` is from what KSampler makes without Python."""
    return shown(run(server, **MODEL, **TEXTS, **nodes, k=("KSampler", {**SAMPLER, "model": ["m", 0]}), other=sampler, d=("EngineDifference", {"a": ["other", 0], "b": ["k", 0]})), "d")


def test_a_conditioning_is_a_list_of_texts_and_what_is_said_of_them(server):
    entry = run(server, **MODEL, **TEXTS, a=("ConditioningSetArea", {"conditioning": ["p", 0], "width": 64, "height": 64, "x": 8, "y": 0, "strength": 0.5}), k=("EngineKeys", {"conditioning": ["a", 0]}),
                g=("EngineGetKey", {"conditioning": ["a", 0], "key": "area"}))
    assert shown(entry, "k") == [["area", "pooled_output", "strength"]]
    assert shown(entry, "g") == (8, 8, 0, 1)


def test_what_python_says_in_a_conditioning_counts(server):
    changed = {"s": ("EngineSetKey", {"conditioning": ["p", 0], "key": "end_percent", "value": 0.5}), "t": ("ConditioningSetTimestepRange", {"conditioning": ["p", 0], "start": 0.0, "end": 0.5})}
    python = ("KSampler", {**SAMPLER, "model": ["m", 0], "positive": ["s", 0]})
    native = ("KSampler", {**SAMPLER, "model": ["m", 0], "positive": ["t", 0]})
    entry = run(server, **MODEL, **TEXTS, **changed, a=python, b=native, k=("KSampler", {**SAMPLER, "model": ["m", 0]}), d=("EngineDifference", {"a": ["a", 0], "b": ["b", 0]}),
                e=("EngineDifference", {"a": ["a", 0], "b": ["k", 0]}))
    assert shown(entry, "d") == 0 and shown(entry, "e") > 1e-3


def test_keys_of_their_own_go_along(server):
    entry = run(server, **MODEL, **TEXTS, s=("EngineSetKey", {"conditioning": ["p", 0], "key": "mine", "value": 2.5}), c=("ConditioningCombine", {"conditioning_1": ["s", 0], "conditioning_2": ["n", 0]}),
                g=("EngineGetKey", {"conditioning": ["c", 0], "key": "mine"}), ls=("EngineSetLatentKey", {"latent": ["l", 0], "key": "mine", "value": 7}),
                k=("KSampler", {**SAMPLER, "model": ["m", 0], "latent_image": ["ls", 0]}), lk=("EngineLatentKeys", {"latent": ["k", 0]}))
    assert shown(entry, "g") == 2.5 and shown(entry, "lk") == {"mine": 7}


def test_controls_survive_python(server):
    native = {"i": ("EmptyImage", {"width": 64, "height": 64, "batch_size": 1, "color": 0x336699}), "cn": ("ControlNetLoader", {"control_net_name": "tiny_control_sd15.safetensors"}),
              "c": ("ControlNetApplyAdvanced", {"positive": ["p", 0], "negative": ["n", 0], "control_net": ["cn", 0], "image": ["i", 0], "strength": 1.0, "start_percent": 0.0, "end_percent": 1.0})}
    through = {"s": ("EngineSetKey", {"conditioning": ["c", 0], "key": "strength", "value": 1.0})}
    entry = run(server, **MODEL, **TEXTS, **native, **through, a=("KSampler", {**SAMPLER, "model": ["m", 0], "positive": ["s", 0], "negative": ["c", 1]}),
                b=("KSampler", {**SAMPLER, "model": ["m", 0], "positive": ["c", 0], "negative": ["c", 1]}), k=("KSampler", {**SAMPLER, "model": ["m", 0]}),
                d=("EngineDifference", {"a": ["a", 0], "b": ["b", 0]}), e=("EngineDifference", {"a": ["b", 0], "b": ["k", 0]}))
    assert shown(entry, "d") == 0 and shown(entry, "e") > 1e-4


def test_a_graph_may_hold_tensors(server):
    entry = run(server, i=("EmptyImage", {"width": 8, "height": 8, "batch_size": 1, "color": 0}), x=("EngineExpanded", {"image": ["i", 0], "level": 0.25}), m=("ImageToMask", {"image": ["x", 0], "channel": "red"}),
                p=("PreviewAny", {"source": ["m", 0]}))
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1][1].get("traceback", []) + [entry["status"]["messages"][-1][1].get("exception_message")]
    assert "0.7500" in entry["outputs"]["p"]["text"][0]


def test_the_dynamic_prompt_knows_made_nodes(server):
    entry = run(server, a=("EngineAround", {}))
    (inner,) = entry["outputs"]
    assert shown(entry, inner) == [True, "EngineWhereAmI", "a", "a", "a"]


def test_inputs_are_asked_anew(server, files):
    choices = lambda: server.json("/object_info/EngineFiles")["EngineFiles"]["input"]["required"]["name"][0]
    prompt = lambda **inputs: graph(f=("EngineFiles", inputs), p=("PreviewAny", {"source": ["f", 0]}))
    assert choices() == ["first"]
    refused = server.post("/prompt", {"prompt": prompt(name="second")})
    assert refused.status_code == 400 and "value_not_in_list" in refused.text
    (files / "second").touch()
    entry = server.wait(server.queue(prompt(name="second")))
    assert entry["outputs"]["p"]["text"] == ["second None"]
    (files / "more").touch()
    assert "added" in server.json("/object_info/EngineFiles")["EngineFiles"]["input"]["required"]
    entry = server.wait(server.queue(prompt(name="second", added=3)))
    assert entry["outputs"]["p"]["text"] == ["second 3"]
    (files / "slow").touch()
    try:
        began = time.monotonic()
        refused = server.post("/prompt", {"prompt": prompt(name="second", added=3)})
        assert refused.status_code == 400 and 4 < time.monotonic() - began < 7
        assert refused.json()["node_errors"]["f"]["errors"][0]["type"] == "exception_during_validation" and "INPUT_TYPES" in refused.text
    finally:
        (files / "slow").unlink()


@pytest.mark.parametrize("kind", ["EngineTakesAll", "EngineTellsByCaller"])
def test_inputs_that_take_every_name_get_constants_too(server, kind):
    entry = run(server, t=("PrimitiveInt", {"value": 4}), a=(kind, {"lora_1": {"on": True}, "b": 2, "linked": ["t", 0]}))
    assert shown(entry, "a") == [("b", 2), ("linked", 4), ("lora_1", {"on": True})]


def test_a_node_can_cancel_its_prompt(server):
    entry = run(server, a=("EngineGivesUp", {}))
    assert entry["status"]["messages"][-1][0] == "execution_interrupted" and entry["status"]["messages"][-1][1]["node_id"] == "a"


def test_a_second_interruption_ends_the_grace_time(server):
    with server.socket("deaf") as connection:
        job = server.queue(graph(a=("EngineDeaf", {"seconds": 60.0})), "deaf")
        while "engine.deaf" not in (raw := connection.recv(timeout=20)):
            pass
        server.post("/interrupt", {})
        time.sleep(1)
        server.post("/interrupt", {})  # too soon: the same wish
        time.sleep(2.2)
        assert server.json("/queue")["queue_running"]
        server.post("/interrupt", {})
        began = time.monotonic()
        entry = server.wait(job, 20)
        assert time.monotonic() - began < 3 and entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert shown(run(server, seconds=60, a=("EngineTakesAll", {"b": 1})), "a") == [("b", 1)]


def test_texts_are_encoded_as_by_the_native_node(server):
    assert compared(server, ("KSampler", {**SAMPLER, "model": ["m", 0], "positive": ["e", 0]}), e=("EngineEncode", {"clip": ["m", 1], "text": "a (red:1.3) apple"})) == 0


def test_native_nodes_are_functions(server):
    entry = run(server, **MODEL, l=("EmptyLatentImage", {"width": 32, "height": 32, "batch_size": 1}), c=("EngineCallNative", {"name": "VAEDecode", "latent": ["l", 0], "vae": ["v", 0]}),
                s=("GetImageSize", {"image": ["c", 0]}), p=("PreviewAny", {"source": ["s", 0]}))
    assert entry["outputs"]["p"]["text"] == ["32"], entry["status"]


def test_a_model_says_what_it_is(server):
    info = shown(run(server, **MODEL, i=("EngineInfo", {"model": ["m", 0]})), "i")
    assert info["latent_channels"] == 4 and info["prediction"] == "eps" and abs(info["sigma_max"] - 14.6146) < 1e-3


@pytest.mark.parametrize("patch", ["Guidance", "Before", "After", "Wrapper", "Attention1", "Attention2", "Output1", "Output2", "Replace1", "Replace2", "Input", "AfterSkip", "Output"])
def test_a_patch_that_changes_nothing_changes_nothing(server, patch):
    assert compared(server, ("KSampler", {**SAMPLER, "model": ["x", 0]}), x=("Engine" + patch, {"model": ["m", 0]})) < 1e-5


@pytest.mark.parametrize("patch", ["Doubled", "Zeroed"])
def test_a_patch_that_changes_something_counts(server, patch):
    assert compared(server, ("KSampler", {**SAMPLER, "model": ["x", 0]}), x=("Engine" + patch, {"model": ["m", 0]})) > 1e-2


def test_an_exception_of_a_patch_is_its_own(server):
    entry = run(server, **MODEL, **TEXTS, x=("EngineFails", {"model": ["m", 0]}), k=("KSampler", {**SAMPLER, "model": ["x", 0]}), d=("EngineDifference", {"a": ["k", 0], "b": ["k", 0]}))
    kind, error = entry["status"]["messages"][-1]
    assert kind == "execution_error" and error["node_id"] == "k" and error["exception_type"] == "KeyError" and "a patch of a pack" in error["exception_message"]
    assert any("in fails" in line for line in error["traceback"])


PARTS = {"g": ("CFGGuider", {"model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "cfg": 4.0}), "r": ("RandomNoise", {"noise_seed": 5}), "s": ("KSamplerSelect", {"sampler_name": "euler"}),
         "sig": ("BasicScheduler", {"model": ["m", 0], "scheduler": "normal", "steps": 3, "denoise": 1.0})}
ADVANCED = {"guider": ["g", 0], "noise": ["r", 0], "sampler": ["s", 0], "sigmas": ["sig", 0], "latent_image": ["l", 0]}


@pytest.mark.parametrize("part", [{"g": ("EngineGuider", {"model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "cfg": 4.0})}, {"r": ("EngineNoise", {"seed": 5})}, {"s": ("EngineEuler", {})}], ids=["guider", "noise", "sampler"])
def test_parts_of_a_sampler_may_be_pythons(server, part):
    assert compared(server, ("SamplerCustomAdvanced", ADVANCED), **{**PARTS, **part}) < 1e-5


def test_python_runs_a_sampler(server):
    python = ("EngineSample", {"guider": ["g", 0], "noise": ["r", 0], "sampler": ["s", 0], "sigmas": ["sig", 0], "latent": ["l", 0]})
    assert compared(server, python, **PARTS) == 0


def test_python_asks_the_network(server):
    assert shown(run(server, **MODEL, **TEXTS, x=("EnginePredict", {"model": ["m", 0], "positive": ["p", 0], "latent": ["l", 0]})), "x") == [[1, 4, 8, 8], True, True]


def test_python_reads_queue_and_history(server):
    before = server.queue(graph(a=("EngineTakesAll", {"b": 77})))
    server.wait(before)
    assert shown(run(server, a=("EngineQueue", {"value": 1})), "a") == [["EngineQueue"], 0, 1]
    assert shown(run(server, a=("EngineHistory", {"prompt": before})), "a") == [[before], {"a": {"text": ["[('b', 77)]"]}}, True]


def test_python_knows_what_runs(server):
    job = server.queue(graph(a=("EngineAround2", {})), "me")
    (inner,) = server.wait(job)["outputs"]
    assert shown(server.wait(job), inner) == ["me", job, "a"]


def test_values_of_other_types_stay_as_they_are(server):
    assert shown(run(server, a=("EngineOwnType", {}), b=("EngineShowOwn", {"value": ["a", 0]})), "b") == ["list", "a name", True]


def test_a_thread_can_cancel_while_a_native_node_computes(server):
    # Model and texts are there already, so that the sampler is what the thread meets.
    run(server, **MODEL, **TEXTS, k=("KSampler", {**SAMPLER, "model": ["m", 0], "steps": 1}), d=("EngineDifference", {"a": ["k", 0], "b": ["k", 0]}))
    with server.socket("me") as connection:
        job = server.queue(graph(**MODEL, **TEXTS, t=("EngineCancelsLater", {"model": ["m", 0]}), k=("KSampler", {**SAMPLER, "model": ["t", 0], "steps": 5000}), d=("EngineDifference", {"a": ["k", 0], "b": ["k", 0]})), "me")
        entry = server.wait(job, 60)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted" and entry["status"]["messages"][-1][1]["node_id"] == "k"


def test_python_knows_the_flags_of_the_server(server):
    assert shown(run(server, a=("EngineFlags", {})), "a") == [server.port, "127.0.0.1", server.port, False, False]


def test_guiders_samplers_and_patches_of_python_go_when_nobody_uses_them(server):
    entry = run(server, **MODEL, **TEXTS, x=("EngineLeak", {"model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "latent": ["l", 0]}))
    assert shown(entry, "x") == [True] * 9


def test_options_of_a_model_that_a_sampler_is_given_count(server):
    entry = run(server, **MODEL, **TEXTS, x=("EngineOptioned", {"model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "latent": ["l", 0]}), d=("EngineDifference", {"a": ["x", 0], "b": ["x", 0]}))
    assert shown(entry, "d") == 0
