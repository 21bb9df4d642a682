"""Helpers of ComfyUI's Python modules that need no worker: sizes, batches, tiles, state dicts, registries. In this process, with a stand-in for the worker's module."""
import json
import pathlib
import sys
import types

import pytest

torch = pytest.importorskip("torch")
PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "src/python/package"
WIRES = [{"class": name, "display_name": name + "!", "inputs": [], "outputs": [{"type": "INT", "name": "n"}], "module": "nodes"} for name in ("CLIPTextEncode", "OfDarkroomAlone")]


@pytest.fixture(scope="module", autouse=True)
def worker():
    fake = types.ModuleType("_darkroom")
    fake.native_classes = lambda: json.dumps(WIRES)
    fake.call_native = lambda call, name, arguments: ((name, arguments), None)
    before = set(sys.modules)
    sys.modules["_darkroom"] = fake
    sys.path.insert(0, str(PACKAGE))
    from darkroom_host import host_modules

    host_modules.install()
    yield fake
    sys.path.remove(str(PACKAGE))
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "HostModules"]
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        if str(PACKAGE) in str(getattr(module, "__file__", "")) or type(getattr(module, "__loader__", None)).__name__ == "HostModules" or name == "_darkroom":
            del sys.modules[name]


def test_batches_are_spread_evenly():
    from comfy.utils import repeat_to_batch_size, resize_list_to_batch_size, resize_to_batch_size

    # As ComfyUI 0.8.0 does.
    for wanted, chosen in {1: [0], 2: [0, 4], 3: [0, 2, 4], 4: [0, 1, 3, 4], 7: [0, 1, 1, 2, 3, 3, 4], 13: [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]}.items():
        assert resize_list_to_batch_size(list(range(5)), wanted) == chosen
        assert resize_to_batch_size(torch.arange(5), wanted).tolist() == chosen
    assert repeat_to_batch_size(torch.arange(3), 7).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert repeat_to_batch_size(torch.arange(6).reshape(2, 3), 2, dim=1).tolist() == [[0, 1], [3, 4]]


def test_pictures_are_cut_in_the_middle_and_scaled():
    from comfy.utils import common_upscale, lanczos

    picture = torch.zeros(1, 3, 10, 30)
    picture[..., 10:20] = 1
    assert common_upscale(picture, 10, 10, "nearest-exact", "center").min() == 1
    assert common_upscale(picture, 30, 10, "bilinear", "disabled").equal(picture)
    assert common_upscale(torch.rand(2, 4, 5, 8, 8), 4, 6, "area", "disabled").shape == (2, 4, 5, 6, 4)
    assert lanczos(torch.full((2, 1, 4, 4), 0.5), 8, 6).shape == (2, 1, 6, 8)
    assert lanczos(torch.full((1, 3, 4, 4), 0.5), 8, 6).unique().tolist() == pytest.approx([127 / 255])


@pytest.mark.parametrize(("tile", "overlap"), [((32, 48), 8), ((64, 64), 16), ((200, 200), 8)])
def test_tiles_of_an_even_function_show_no_borders(tile, overlap):
    from comfy.utils import get_tiled_scale_steps, tiled_scale

    picture, seen = torch.rand(1, 3, 100, 150), []

    def doubled(part):
        seen.append(tuple(part.shape[2:]))
        return torch.nn.functional.interpolate(part, scale_factor=2, mode="nearest")

    made = tiled_scale(picture, doubled, tile_x=tile[1], tile_y=tile[0], overlap=overlap, upscale_amount=2)
    assert torch.allclose(made, torch.nn.functional.interpolate(picture, scale_factor=2, mode="nearest"), atol=1e-5)
    assert len(seen) == get_tiled_scale_steps(150, 100, tile[1], tile[0], overlap)


def test_masks_take_the_form_of_a_latent():
    from comfy.utils import reshape_mask

    assert reshape_mask(torch.rand(2, 7, 9), (5, 4, 14, 5)).shape == (5, 4, 14, 5)
    assert reshape_mask(torch.rand(7, 9), (1, 16, 3, 14, 5)).shape == (1, 16, 3, 14, 5)


def test_state_dicts():
    from comfy import utils

    def state():
        return {"a.x": torch.zeros(2, 3), "a.y": torch.zeros(4).half(), "b.z": torch.zeros(9).half()}

    assert utils.calculate_parameters(state()) == 19 and utils.calculate_parameters(state(), "a.") == 10
    assert utils.weight_dtype(state()) == torch.float16 and utils.weight_dtype(state(), "a.") == torch.float32 and utils.weight_dtype(state(), "q") is None
    assert sorted(utils.state_dict_prefix_replace(state(), {"a.": "c.", "b.": ""})) == ["c.x", "c.y", "z"]
    assert sorted(utils.state_dict_prefix_replace(state(), {"a.": "c."}, filter_keys=True)) == ["c.x", "c.y"]
    assert sorted(utils.state_dict_key_replace(state(), {"a.x": "q", "n": "r"})) == ["a.y", "b.z", "q"]


def test_tensor_files_tell_where_they_come_from(tmp_path):
    from comfy import utils

    utils.save_torch_file({"x": torch.ones(2)}, tmp_path / "a.safetensors", metadata={"k": "v"})
    state, metadata = utils.load_torch_file(tmp_path / "a.safetensors", return_metadata=True)
    assert state["x"].tolist() == [1, 1] and metadata == {"k": "v"} and state.path == str(tmp_path / "a.safetensors")
    assert json.loads(utils.safetensors_header(tmp_path / "a.safetensors"))["x"]["shape"] == [2]
    torch.save({"state_dict": {"y": torch.ones(1)}}, tmp_path / "b.pt")
    assert list(utils.load_torch_file(tmp_path / "b.pt")) == ["y"]


def test_parts_of_conditionings_join_into_batches():
    from comfy import conds

    one, two = conds.CONDCrossAttn(torch.ones(1, 77, 8)), conds.CONDCrossAttn(torch.ones(1, 154, 8))
    assert one.can_concat(two) and one.concat([two]).shape == (2, 154, 8)
    assert not one.can_concat(conds.CONDCrossAttn(torch.ones(1, 77, 9)))
    assert conds.CONDRegular(torch.ones(1, 3)).process_cond(batch_size=4).cond.shape == (4, 3)
    assert conds.CONDConstant(3).process_cond(batch_size=4).cond == 3


def test_conditionings_go_to_the_form_of_a_run_and_back():
    from comfy.sampler_helpers import convert_cond
    from darkroom_host.sampling import entries

    text = torch.ones(1, 77, 8)
    run = convert_cond([[text, {"pooled_output": 1, "strength": 0.5}]])
    assert run[0]["cross_attn"] is text and run[0]["model_conds"] == {} and run[0]["strength"] == 0.5
    assert entries(run) == [[text, {"pooled_output": 1, "strength": 0.5}]] == entries([[text, {"pooled_output": 1, "strength": 0.5}]])


def test_the_registry_has_native_classes_once_it_is_read():
    from darkroom_host.registry import display_names, node_classes

    mapping = node_classes()
    mapping["Mine"] = int
    mapping["CLIPTextEncode"] = str  # a pack's own stays
    assert not mapping._is_filled
    assert list(mapping) == ["CLIPTextEncode", "OfDarkroomAlone", "Mine"] and mapping["CLIPTextEncode"] is str and len(mapping) == 3
    assert dict(mapping) == {**mapping} == mapping.copy() and "Mine" in mapping and mapping.get("nothing") is None
    assert mapping["OfDarkroomAlone"].RETURN_TYPES == ("INT",)
    assert display_names()["CLIPTextEncode"] == "CLIPTextEncode!"


def test_modules_that_darkroom_has_not_can_be_imported():
    import comfy
    import comfy_extras.nodes_video as video
    from comfy.ldm.flux.layers import DoubleStreamBlock

    class Block(DoubleStreamBlock):
        def forward(self):
            """Never called."""

    with pytest.raises(NotImplementedError, match="DoubleStreamBlock is not there in Darkroom: Block can't be used"):
        Block()
    with pytest.raises(NotImplementedError, match="comfy_extras.nodes_video.SaveWEBM"):
        video.SaveWEBM()
    with pytest.raises(NotImplementedError, match="num_heads"):
        DoubleStreamBlock.num_heads // 2
    with pytest.raises(ModuleNotFoundError):
        import comfy.ldm.of_a_later_version  # noqa: F401
    assert not hasattr(Block, "IS_CHANGED") and comfy.ldm.flux.layers.DoubleStreamBlock is DoubleStreamBlock
    Block.forward = DoubleStreamBlock.forward = len
    assert DoubleStreamBlock.forward is len and (DoubleStreamBlock | None) and DoubleStreamBlock[int] is DoubleStreamBlock


def test_layers_compute_in_the_type_of_their_input():
    from comfy import ops

    layer = ops.manual_cast.Linear(4, 5).half()
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    made = layer(torch.ones(2, 4))
    assert made.dtype == torch.float32 and made.unique().tolist() == [4] and layer.weight.dtype == torch.float16
    assert isinstance(ops.disable_weight_init.conv_nd(2, 3, 4, 1), torch.nn.Conv2d)


def test_loops_in_python_reach_what_the_model_says():
    from comfy.k_diffusion import sampling

    sigmas = sampling.get_sigmas_karras(6, 0.03, 14.6)
    assert sigmas[0] == pytest.approx(14.6) and sigmas[-1] == 0 and len(sigmas) == 7
    start = torch.full((1, 4, 2, 2), 14.6)
    for name in ("sample_euler", "sample_heun", "sample_dpm_2", "sample_dpmpp_2m", "sample_euler_ancestral"):
        seen = []
        made = getattr(sampling, name)(lambda x, sigma, **_: torch.full_like(x, 0.25), start, sigmas, callback=lambda told: seen.append(told["i"]))
        assert torch.allclose(made, torch.full_like(start, 0.25), atol=1e-5) and seen == list(range(6)), name


def test_parts_of_a_prompt():
    from darkroom_host.word_ids import parts

    assert parts("a (red:1.2) cat") == ["a ", "red", " cat"]
    assert parts("((b) c:1.3) \\(d\\)") == ["b", " c", " \\(d\\)"]
    assert parts("x embedding:one, y") == ["x ", "embedding:one", ", y"]
    assert parts("a (b") == ["a ", "\\(b"] and parts("") == []


def test_attention_of_packs():
    from comfy.ldm.modules.attention import optimized_attention, wrap_attn

    q, k, v = torch.rand(3, 2, 5, 8).unbind(0)
    made = optimized_attention(q, k, v, 2)
    apart = [torch.softmax(a @ b.transpose(-1, -2) / 2, -1) @ c for a, b, c in zip(*(x.chunk(2, -1) for x in (q, k, v)), strict=True)]
    assert torch.allclose(made, torch.cat(apart, -1), atol=1e-6)
    assert optimized_attention(q, k, v, 2, transformer_options={"optimized_attention_override": lambda function, *_, **__: function.__name__}) == "attention_pytorch"
    assert wrap_attn(len)("abc") == 3


def test_packs_add_schedulers():
    from comfy import samplers

    samplers.SCHEDULER_HANDLERS["mine"] = samplers.SchedulerHandler(lambda n, sigma_min, sigma_max: [n, sigma_min, sigma_max], use_ms=False)
    assert samplers.calculate_sigmas(types.SimpleNamespace(sigma_min=0.5, sigma_max=9), "mine", 3) == [3, 0.5, 9.0]
    with pytest.raises(ValueError, match="no scheduler 'other'"):
        samplers.calculate_sigmas(None, "other", 3)
