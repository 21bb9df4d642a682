"""ComfyUI's Python modules as packs use them: what can be imported, native nodes as classes, and functions that give the same numbers as the graph.
The pack: tests/data/packs/surface."""
import io
import json
import shutil

import pytest
from PIL import Image

from harness import DATA, Server, link_golden_models, wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp("surface") / "base"
    (base / "custom_nodes").mkdir(parents=True)
    shutil.copytree(DATA / "packs/surface", base / "custom_nodes/surface")
    link_golden_models(base)
    with Server(base) as running:
        yield running


def found(server, name):
    """What a function of the pack found; its error when there was one."""
    entry = server.run({"1": {"class_type": "SurfaceCheck", "inputs": {"name": name}}}, seconds=120)
    assert entry["status"]["status_str"] == "success", json.dumps(entry["status"]["messages"][-1], indent=1)
    return json.loads(entry["outputs"]["1"]["found"][0])


def test_all_nodes_of_the_pack_are_there(server):
    assert {"SurfaceCheck", "SurfaceSample", "SurfaceThrough"} <= set(server.json("/object_info"))


def test_what_is_not_there_says_its_name_when_it_is_called(server):
    messages = found(server, "absent_ones_say_their_name")
    names = ("openaimodel.UNetModel", "attention.CrossAttention", "layers.timestep_embedding", "diffusers_convert.convert_text_enc_state_dict")
    for message, name in zip(messages, names, strict=True):
        assert message.startswith("NotImplementedError: comfy.") and name in message


def test_names_of_other_versions_are_errors(server):
    message, *others = found(server, "unknown_names_are_errors")
    assert message.startswith("ImportError") and others == [False, False]


def test_absent_classes_can_be_patched_and_derived_from(server):
    assert found(server, "absent_ones_are_patched_and_asked")[:4] == [3, False, True, True]


def test_native_and_pack_classes_in_one_registry(server):
    told = found(server, "all_node_classes")
    assert told.pop("inputs") == ["model", "seed", "steps", "cfg", "sampler_name", "scheduler", "positive", "negative", "latent_image", "denoise"]
    assert told.pop("returns") == [["LATENT"], "sample"]
    assert all(told.values()), told


def test_the_worker_answers_questions(server):
    assert found(server, "questions") == {"tasks": 1, "running": 1, "pending": 0, "args": [False, True, False], "memory": True, "max": 16384, "loaded": None}


@pytest.mark.parametrize("name", ["common_ksampler_advanced", "common_ksampler_denoise", "sampler_in_python"])
def test_sampling_functions_give_what_the_nodes_give(server, name):
    assert found(server, name) < 1e-5


def test_a_callback_sees_every_step(server):
    same, seen = found(server, "sample_custom_with_callback")
    assert same < 1e-5 and seen == [[step, [1, 4, 8, 8], 3] for step in range(3)]


def test_guiders_in_python(server):
    plain, mixed, asked, by_node = found(server, "guiders")
    assert max(plain, mixed, by_node) < 1e-5 and asked == 2


def test_guiders_and_noise_of_extra_modules(server):
    same, *others = found(server, "made_by_names_of_extra_modules")
    assert same < 1e-5 and others == [0, 48, 64]


def test_noise_in_python(server):
    same, seed, noise = found(server, "noise_in_python")
    assert same < 1e-5 and seed == 7 and noise == 0


def test_autoencoder_and_text_encoder(server):
    told = found(server, "vae_and_clip")
    assert told["shape"] == [1, 80, 96, 3] and told["facts"] == [4, 8, 8] and told["encode_tiled"] == [1, 4, 10, 12]
    assert told["tokens"][:2] == [["l"], 77] and abs(told["tokens"][2] - 1.2) < 1e-6
    assert told["layer"][0] < 1e-6 and told["layer"][1:] == [-2, None]
    assert max(told[key] for key in ("decode", "encode", "tiled", "cond", "pooled")) < 1e-6


def test_tokens_know_their_part_of_the_text(server):
    """The numbers are those of ComfyUI 0.8.0."""
    told, alone = found(server, "parts_of_a_text")
    assert told == {
        "a (red:1.2) cat": [0, 1, 2, 3, 0], "photograph(red)cat, supercalifragilistic \\(x\\) ((deep))\nline": [0, 1, 2, *[3] * 10, 4, 5, 0], "(a) (b)": [0, 1, 3, 0],
        "a (b": [0, 1, 2, 2, 0], "x embedding:emb_one, y": [0, 1, 2, 3, 3, 0], "()a": [0, 1, 0], "": [0, 0],
    }
    assert alone < 1e-6


def test_loaders_by_path(server):
    told = found(server, "loaders")
    assert told["absent"] == [None, None] and told["clip"] == "CLIP" and told["changed"] and told["add_patches"][1]
    assert max(told["model"], told["lora"], told["text"], told["add_patches"][0]) < 1e-5
    assert told["elsewhere"].startswith("FileNotFoundError")


def test_networks_that_enlarge_pictures_are_called_as_modules(server):
    same, scale = found(server, "networks_that_enlarge")
    assert same < 1e-6 and scale


def test_a_controlnet_in_a_conditioning(server):
    same, changed = found(server, "control")
    assert same < 1e-5 and changed


def test_native_classes_of_pictures(server):
    told = found(server, "pictures")
    assert told["scale"] < 1e-5 and told["mask"] == 4 and told["there"] and told["own"] == ["output", "output"] and told["bislerp"] == [1, 4, 12, 16]
    assert told["saved"] == [["sur", f"face_mine_0000{i}_.png", "temp"] for i in (1, 2)]


def test_functions_around_guidance(server):
    told = found(server, "functions_around_guidance")
    assert max(told["post"], told["cfg"], told["left"]) < 1e-5 and told["changed"] and told["clone"] == [True, True, False]
    assert {"denoised", "cond_denoised", "uncond_denoised", "sigma", "input", "model", "model_options"} <= set(told["seen"]["post"])
    assert {"cond", "uncond", "cond_scale", "input", "timestep", "cond_denoised", "uncond_denoised"} <= set(told["seen"]["cfg"])


def test_functions_in_attention(server):
    told = found(server, "attention")
    assert told["same"] < 1e-4 and told["called"] == [True, True, True] and told["wrapper"] < 1e-5


def test_what_a_model_tells(server):
    told = found(server, "what_a_model_tells")
    assert told["class"] and told["base"] and not told["flux"] and told["channels"] == 4 and told["scale"] == 0.18215
    assert told["sigmas"] == pytest.approx([0.029167, 14.61464], rel=1e-4) and told["timestep"] == [354, 673] and told["config"] == 768
    assert told["percent"] == pytest.approx([999999999.9, 3.325069, 0.0]) and told["dtype"] == "torch.float32"


def test_changes_that_darkroom_can_not_make_are_refused(server):
    messages = found(server, "what_can_not_be_changed")
    assert all(message.startswith("NotImplementedError: ") for message in messages[:3]) and messages[3].startswith("AttributeError")


def test_a_torch_module_of_a_pack_in_a_patcher(server):
    assert found(server, "module_of_a_pack") == [[1, 3], 36, True]


def test_python_in_the_middle_of_a_graph(server):
    """Sampling, decoding and encoding in Python beside the same native nodes."""
    scene = {
        "m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd15.safetensors"}},
        "p": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["m", 1], "text": "a cat"}},
        "n": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["m", 1], "text": ""}},
        "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    }
    ours = {**scene, "t": {"class_type": "SurfaceThrough", "inputs": {"clip": ["m", 1], "vae": ["m", 2], "latent": ["s", 0], "text": "a cat"}},
            "t0": {"class_type": "SurfaceThrough", "inputs": {"clip": ["m", 1], "vae": ["m", 2], "latent": ["l", 0], "text": "a cat"}},
            "s": {"class_type": "SurfaceSample", "inputs": {"model": ["m", 0], "positive": ["t0", 1], "negative": ["n", 0], "latent": ["l", 0]}},
            "o": {"class_type": "SaveImage", "inputs": {"images": ["t", 0], "filename_prefix": "ours"}}}
    sampler = {"model": ["m", 0], "positive": ["p", 0], "negative": ["n", 0], "latent_image": ["l", 0], "seed": 7, "steps": 3, "cfg": 5.0, "sampler_name": "dpmpp_2m",
               "scheduler": "karras", "denoise": 1.0}
    theirs = {**scene, "s": {"class_type": "KSampler", "inputs": sampler}, "d": {"class_type": "VAEDecode", "inputs": {"samples": ["s", 0], "vae": ["m", 2]}},
              "o": {"class_type": "SaveImage", "inputs": {"images": ["d", 0], "filename_prefix": "theirs"}}}
    pictures = []
    for prompt in (ours, theirs):
        entry = server.run(prompt, seconds=120)
        assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
        pictures.append(Image.open(io.BytesIO(server.view(entry["outputs"]["o"]["images"][0]))).tobytes())
    assert pictures[0] == pictures[1]


def test_objects_of_python_go_through_native_nodes_and_come_back_as_they_were(server):
    prompt = {
        "m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd15.safetensors"}},
        "p": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["m", 1], "text": "a cat"}},
        "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "o": {"class_type": "SurfaceMake", "inputs": {"model": ["m", 0], "positive": ["p", 0]}},
        "g": {"class_type": "BasicScheduler", "inputs": {"model": ["o", 0], "scheduler": "normal", "steps": 2, "denoise": 1.0}},
        "s": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["o", 2], "guider": ["o", 1], "sampler": ["o", 3], "sigmas": ["g", 0], "latent_image": ["l", 0]}},
        "d": {"class_type": "VAEDecode", "inputs": {"samples": ["s", 0], "vae": ["m", 2]}},
        "i": {"class_type": "SaveImage", "inputs": {"images": ["d", 0], "filename_prefix": "python"}},
        "f": {"class_type": "SurfaceSeen", "inputs": {"model": ["o", 0], "guider": ["o", 1], "noise": ["o", 2], "sampler": ["o", 3]}},
    }
    entry = server.run(prompt, seconds=120)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    assert json.loads(entry["outputs"]["f"]["found"][0]) == [3, 1, 4.0, "Mixed", "Noise", "KSAMPLER"]


def test_no_pack_asks_for_torch_no_torch(tmp_path):
    """A pack that imports host modules alone starts without libraries of tensors in Python."""
    folder = tmp_path / "base/custom_nodes/light"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "import sys\nimport folder_paths, nodes, server, comfy.utils, comfy.samplers, comfy.model_management, comfy.sd, node_helpers, latent_preview\n"
        "from comfy_api.latest import io, ui\nprint('TORCH', 'torch' in sys.modules, flush=True)\nNODE_CLASS_MAPPINGS = {}\n")
    with Server(tmp_path / "base") as server:
        wait_for(lambda: "TORCH" in server.log_text(), 10, "the pack is imported")
        assert "TORCH False" in server.log_text()
