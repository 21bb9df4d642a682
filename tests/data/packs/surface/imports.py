"""Lines that packs begin with."""
# ruff: noqa: F401, E402
import comfy
import comfy.cli_args
import comfy.clip_vision
import comfy.conds
import comfy.controlnet
import comfy.diffusers_convert
import comfy.hooks
import comfy.k_diffusion.sampling as k_diffusion_sampling
import comfy.latent_formats
import comfy.ldm.modules.attention
import comfy.lora
import comfy.model_base
import comfy.model_management as mm
import comfy.model_patcher
import comfy.model_sampling
import comfy.ops
import comfy.sample
import comfy.sampler_helpers
import comfy.samplers
import comfy.sd
import comfy.supported_models
import comfy.utils
import comfy_extras.nodes_upscale_model as model_upscale
import cuda_malloc
import execution
import folder_paths
import latent_preview
import node_helpers
import nodes
import server
from comfy.cli_args import args
from comfy.comfy_types import IO, ComfyNodeABC, InputTypeDict
from comfy.k_diffusion.utils import FolderOfImages
from comfy.ldm.flux.layers import timestep_embedding
from comfy.ldm.modules.attention import CrossAttention, optimized_attention
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher
from comfy.sample import np
from comfy.utils import ProgressBar, common_upscale
from comfy_api.latest import ComfyExtension, Input, InputImpl, Types, io, ui
from comfy_execution.graph import ExecutionBlocker
from comfy_execution.graph_utils import GraphBuilder
from comfy_extras.nodes_custom_sampler import Noise_EmptyNoise, SamplerCustomAdvanced
from comfy_extras.nodes_mask import MaskComposite, composite
from nodes import MAX_RESOLUTION, CLIPTextEncode, ConditioningConcat, LoraLoader, PreviewImage, SaveImage, VAEEncode

from .checks import check, message


class Layer(comfy.ops.manual_cast.Linear):
    pass


class Attention(CrossAttention):
    def forward(self, x):
        return x


KEPT = comfy.samplers.KSampler.sample
comfy.ldm.modules.attention.CrossAttention.forward = lambda self, x: x  # patches of what is not there change nothing
execution.PromptExecutor.handle_execution_error = lambda *_: None
comfy.samplers.added = 3


@check
def absent_ones_say_their_name():
    return [message(lambda: UNetModel()), message(lambda: Attention(4)), message(lambda: timestep_embedding(1, 2)), message(lambda: comfy.diffusers_convert.convert_text_enc_state_dict({}))]


@check
def unknown_names_are_errors():
    def imported():
        from comfy.utils import of_a_later_version

        return of_a_later_version

    return [message(imported), hasattr(comfy.model_management, "of_a_later_version"), hasattr(comfy, "of_a_later_version")]


@check
def absent_ones_are_patched_and_asked():
    return [comfy.samplers.added, isinstance(3, UNetModel), issubclass(Attention, CrossAttention), execution.PromptExecutor.handle_execution_error is not None, repr(UNetModel.forward)]


@check
def all_node_classes():
    import torch

    mapping = nodes.NODE_CLASS_MAPPINGS
    of_pack = mapping["SurfaceCheck"]
    mapping["SurfaceExtra"] = of_pack
    told = mapping["KSampler"].INPUT_TYPES()["required"]
    return {"native": "CLIPTextEncode" in mapping and mapping["CLIPTextEncode"] is CLIPTextEncode, "pack": mapping.get("SurfaceExtra") is of_pack, "many": len(mapping) > 150,
            "inputs": list(told), "samplers": told["sampler_name"][0] == comfy.samplers.KSampler.SAMPLERS, "returns": [mapping["KSampler"].RETURN_TYPES, mapping["KSampler"].FUNCTION],
            "checkpoints": "tiny_sd15.safetensors" in mapping["CheckpointLoaderSimple"].INPUT_TYPES()["required"]["ckpt_name"][0], "vaes": isinstance(nodes.VAELoader.vae_list(), list),
            "device": str(mm.get_torch_device()) == str(torch.device(mm.get_torch_device()))}


@check
def questions():
    queue = server.PromptServer.instance.prompt_queue
    running, pending = queue.get_current_queue()
    return {"tasks": queue.get_tasks_remaining(), "running": len(running), "pending": len(pending), "args": [args.lowvram, args.fast == set(), args.disable_metadata],
            "memory": mm.get_free_memory() > 0 and mm.get_total_memory() > mm.get_free_memory(mm.get_torch_device()) / 2, "max": MAX_RESOLUTION, "loaded": mm.load_models_gpu([])}
