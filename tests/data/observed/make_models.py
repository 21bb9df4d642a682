#!/usr/bin/env python3
"""Write the small random-weight models of the recorded diffusion cases (cases of record_diffusion.py).

    python3 make_models.py MODELS_DIR [--only GLOB[,GLOB...]] [--list]

The same generator and options as ../golden/make_models.py, into the same folder; numpy only.  Names begin with `seen_`.
Networks whose widths a loader takes for granted have them; then most of their tensors are zero and lie as holes in the file
(`hollow`), so that it takes few megabytes of the disk whatever its size says.  A residual layer of zeros is the identity.
"""
import fnmatch
import os
import struct
import sys
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import make_models as golden  # noqa: E402
from make_models import T, UNet, bias, conv, lin, scale  # noqa: E402


def hollow(tensors, *names):
    """`tensors` with zeros in those whose names match one of the patterns."""
    return {n: T(t.shape, dtype=t.dtype) if t.fixed is None and any(fnmatch.fnmatchcase(n, g) for g in names) else t
            for n, t in tensors.items()}


def marked(tensors, name):
    """With a tensor whose name alone says something."""
    return {**tensors, name: T((), dtype="F32", fixed=[0.0])}


# --------------------------------------------------------------------------
# T2I-Adapters: features of widths c, 2c, 4c, 4c.  A UNet of width 320 on all levels takes from each file those that are 320 wide.
# --------------------------------------------------------------------------
def adapter(c, channels_in, kernel=1, conv_down=False, xl=False):
    d = {"conv_in.weight": conv(c, channels_in, 3, 1.4), "conv_in.bias": bias(c)}
    widths = [c, 2 * c, 4 * c, 4 * c]
    downs = (2,) if xl else (1, 2, 3)
    for level, width in enumerate(widths):
        for j in range(2):
            p = f"body.{2 * level + j}."
            before = widths[level - 1] if level and j == 0 else width
            if before != width:
                d[p + "in_conv.weight"], d[p + "in_conv.bias"] = conv(width, before, kernel), bias(width)
            d[p + "block1.weight"], d[p + "block1.bias"] = conv(width, width, 3, 1.4), bias(width)
            d[p + "block2.weight"], d[p + "block2.bias"] = conv(width, width, kernel, 0.8), bias(width)
            if conv_down and level in downs and j == 0:
                d[p + "down_opt.op.weight"], d[p + "down_opt.op.bias"] = conv(before, before), bias(before)
    return d


def adapter_diffusers(c, channels_in):
    """The same network in the names of the diffusers library."""
    d = {}
    for name, tensor in adapter(c, channels_in).items():
        if name.startswith("body."):
            number, rest = name[5:].split(".", 1)
            level, j = divmod(int(number), 2)
            name = f"body.{level}.in_conv.{rest[8:]}" if rest.startswith("in_conv.") else f"body.{level}.resnets.{j}.{rest}"
        d["adapter." + name] = tensor
    return d


def adapter_light(channels_in):
    d = {}
    before = channels_in
    for level, width in enumerate((320, 640, 1280, 1280)):
        p, inner = f"body.{level}.", width // 4
        d[p + "in_conv.weight"], d[p + "in_conv.bias"] = conv(inner, before, 1, 1.4), bias(inner)
        for j in range(4):
            for block in ("block1", "block2"):
                d[f"{p}body.{j}.{block}.weight"], d[f"{p}body.{j}.{block}.bias"] = conv(inner, inner), bias(inner)
        d[p + "out_conv.weight"], d[p + "out_conv.bias"] = conv(width, inner, 1), bias(width)
        before = width
    return hollow(d, "body.[123].*")


# --------------------------------------------------------------------------
# ControlNets
# --------------------------------------------------------------------------
def control_difference():
    """What a ControlNet adds to tiny_sd15's own weights: little, and nothing in most layers."""
    d = golden.UNET_SD15.controlnet("control_model.")
    kept = ("control_model.input_hint_block.*", "control_model.zero_convs.*", "control_model.middle_block_out.*", "control_model.input_blocks.0.*",
            "control_model.input_blocks.1.1.*")
    d = {n: t if any(fnmatch.fnmatchcase(n, g) for g in kept) else T(t.shape) for n, t in d.items()}
    for n, t in d.items():
        if ".input_blocks." in n:
            d[n] = T(t.shape, t.amp * 0.3)
    return marked(d, "difference")


def control_lora(unet, rank=4):
    """A control LoRA: the hint's layers and the zero convolutions, and differences of low rank to the model's own weights."""
    d = unet.controlnet("")
    made = {}
    for n, t in d.items():
        if n.startswith(("input_hint_block.", "zero_convs.", "middle_block_out.")) or not n.endswith(".weight") or len(t.shape) == 1:
            made[n] = t
        else:
            made[n[:-7] + ".up"] = T((t.shape[0], rank) + (1, 1) * (len(t.shape) == 4), 0.5 * (3.0 / rank) ** 0.5)
            made[n[:-7] + ".down"] = T((rank,) + t.shape[1:], 0.3 * (3.0 / t.count * t.shape[0]) ** 0.5)
    return marked(made, "lora_controlnet")


SDXL_LEVELS = UNet(4, 4, 320, [1, 2, 4], [2, 2, 2], [0, 0, 2, 2, 10, 10], 10, [10, 10, 10, 2, 2, 2, 0, 0, 0], 2048, True, 2816)
SD15_LEVELS = UNet(4, 4, 320, [1, 2, 4, 4], [2, 2, 2, 2], [1, 1, 1, 1, 1, 1, 0, 0], 1, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1], 768, False)


def diffusers_names(ldm, unet):
    """The names of the diffusers library for a UNet's or ControlNet's tensors."""
    residual = {"in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2", "out_layers.3": "conv2", "skip_connection": "conv_shortcut"}

    def layer(rest):
        for ours, theirs in residual.items():
            if rest.startswith(ours + "."):
                return theirs + rest[len(ours):]
        return rest

    fixed = {"input_blocks.0.0": "conv_in", "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2", "label_emb.0.0": "add_embedding.linear_1",
             "label_emb.0.2": "add_embedding.linear_2", "out.0": "conv_norm_out", "out.2": "conv_out", "middle_block_out.0": "controlnet_mid_block",
             "input_hint_block.0": "controlnet_cond_embedding.conv_in", "input_hint_block.14": "controlnet_cond_embedding.conv_out"}
    spots, n = {}, 1
    for level, count in enumerate(unet.res):
        for i in range(count):
            spots[f"input_blocks.{n}.0."] = f"down_blocks.{level}.resnets.{i}."
            spots[f"input_blocks.{n}.1."] = f"down_blocks.{level}.attentions.{i}."
            n += 1
        if level + 1 < len(unet.res):
            spots[f"input_blocks.{n}.0.op."] = f"down_blocks.{level}.downsamplers.0.conv."
            n += 1
    n = 0
    for up, count in enumerate(reversed(unet.res)):
        for i in range(count + 1):
            spots[f"output_blocks.{n}.0."] = f"up_blocks.{up}.resnets.{i}."
            spots[f"output_blocks.{n}.1."] = f"up_blocks.{up}.attentions.{i}."
            for k in (1, 2):
                spots[f"output_blocks.{n}.{k}.conv."] = f"up_blocks.{up}.upsamplers.0.conv."
            n += 1
    for i, theirs in enumerate(("resnets.0.", "attentions.0.", "resnets.1.")):
        spots[f"middle_block.{i}."] = "mid_block." + theirs
    for i in range(6):
        spots[f"input_hint_block.{2 * i + 2}."] = f"controlnet_cond_embedding.blocks.{i}."
    for i in range(n):
        spots[f"zero_convs.{i}.0."] = f"controlnet_down_blocks.{i}."
    order = sorted(spots, key=len, reverse=True)

    def rename(name):
        for ours, theirs in fixed.items():
            if name.startswith(ours + "."):
                return theirs + name[len(ours):]
        for ours in order:
            if name.startswith(ours):
                return spots[ours] + layer(name[len(ours):])
        return name

    return {rename(n): t for n, t in ldm.items()}


def control_union(types):
    """SDXL's union ControlNet at its real widths; real numbers only where the picture comes in and on the first level."""
    d = hollow(SDXL_LEVELS.controlnet(""), "input_blocks.[4-8].*", "middle_block.*", "zero_convs.[4-8].*", "middle_block_out.*")
    d = diffusers_names(d, SDXL_LEVELS)
    w = 320
    d["task_embedding"] = T((types, w), 0.5)
    d["control_add_embedding.linear_1.weight"], d["control_add_embedding.linear_1.bias"] = lin(1280, 256 * types, 1.2), bias(1280)
    d["control_add_embedding.linear_2.weight"], d["control_add_embedding.linear_2.bias"] = lin(1280, 1280, 1.2), bias(1280)
    p = "transformer_layes.0."
    d[p + "attn.in_proj_weight"], d[p + "attn.in_proj_bias"] = lin(3 * w, w, 1.5), bias(3 * w)
    d[p + "attn.out_proj.weight"], d[p + "attn.out_proj.bias"] = lin(w, w), bias(w)
    d[p + "mlp.c_fc.weight"], d[p + "mlp.c_fc.bias"] = lin(4 * w, w, 1.2), bias(4 * w)
    d[p + "mlp.c_proj.weight"], d[p + "mlp.c_proj.bias"] = lin(w, 4 * w), bias(w)
    for n in ("ln_1", "ln_2"):
        d[f"{p}{n}.weight"], d[f"{p}{n}.bias"] = scale(w), bias(w)
    d["spatial_ch_projs.weight"], d["spatial_ch_projs.bias"] = lin(w, w, 2.0), bias(w)
    return d


def control_diffusers():
    """SD1.5's ControlNet at its real widths in diffusers' names; real numbers on the first level."""
    d = hollow(SD15_LEVELS.controlnet(""), "input_blocks.[4-9].*", "input_blocks.1[01].*", "middle_block.*", "zero_convs.[4-9].*", "zero_convs.1[01].*", "middle_block_out.*")
    return diffusers_names(d, SD15_LEVELS)


def unet_diffusers():
    """SD1.5's UNet at its real widths in diffusers' names; real numbers on the first level and in the projections of skips."""
    d = SD15_LEVELS.tensors("")
    keep = ("input_blocks.[0123].*", "output_blocks.9.*", "output_blocks.1[01].*", "output_blocks.?.0.skip_connection.*", "input_blocks.?.0.skip_connection.*", "time_embed.*", "out.*")
    d = {n: t if any(fnmatch.fnmatchcase(n, g) for g in keep) else T(t.shape) for n, t in d.items()}
    return diffusers_names(d, SD15_LEVELS)


# --------------------------------------------------------------------------
# pictures: CLIP's vision encoders, unCLIP, style
# --------------------------------------------------------------------------
def vision(width, layers, mlp, out, patch=14, side=224, real=None):
    """Hugging Face names.  `real`: layer -> what of it isn't zero."""
    p = "vision_model."
    tokens = (side // patch) ** 2 + 1
    d = {p + "embeddings.class_embedding": T((width,), 1.0), p + "embeddings.patch_embedding.weight": conv(width, 3, patch, 1.5),
         p + "embeddings.position_embedding.weight": T((tokens, width), 0.5)}
    for n in ("pre_layrnorm", "post_layernorm"):
        d[f"{p}{n}.weight"], d[f"{p}{n}.bias"] = scale(width), bias(width)
    d["visual_projection.weight"] = lin(out, width)
    for i in range(layers):
        b = f"{p}encoder.layers.{i}."
        for n, o, k, g in (("self_attn.q_proj", width, width, 1.5), ("self_attn.k_proj", width, width, 1.5), ("self_attn.v_proj", width, width, 1.0),
                           ("self_attn.out_proj", width, width, 0.8), ("mlp.fc1", mlp, width, 1.2), ("mlp.fc2", width, mlp, 1.2)):
            d[f"{b}{n}.weight"], d[f"{b}{n}.bias"] = lin(o, k, g), bias(o)
        for n in ("layer_norm1", "layer_norm2"):
            d[f"{b}{n}.weight"], d[f"{b}{n}.bias"] = scale(width), bias(width)
    for i in range(layers):
        parts = real.get(i, "")
        zero = [f"{p}encoder.layers.{i}.*"] if not parts else [] + ([f"{p}encoder.layers.{i}.self_attn.*"] if "a" not in parts else []) + ([f"{p}encoder.layers.{i}.mlp.*"] if "m" not in parts else [])
        d = hollow(d, *zero) if zero else d
    return d


def open_clip_vision(hf, p):
    """Vision tensors of Hugging Face's names in those of OpenCLIP."""
    d, fused = {}, {}
    top = {"vision_model.embeddings.class_embedding": "class_embedding", "vision_model.embeddings.patch_embedding.weight": "conv1.weight",
           "vision_model.embeddings.position_embedding.weight": "positional_embedding"}
    parts = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj"}
    for n, t in hf.items():
        if n in top:
            d[p + top[n]] = t
        elif n == "visual_projection.weight":
            d[p + "proj"] = T(t.shape[::-1], t.amp)
        elif n.startswith("vision_model.encoder.layers."):
            layer, rest = n[len("vision_model.encoder.layers."):].split(".", 1)
            name, kind = rest.rsplit(".", 1)
            b = f"{p}transformer.resblocks.{layer}."
            if name in parts:
                d[f"{b}{parts[name]}.{kind}"] = t
            elif name.endswith("q_proj"):
                d[f"{b}attn.in_proj_{kind}"] = T((3 * t.shape[0],) + t.shape[1:], t.amp, t.off)
        else:
            d[p + {"pre_layrnorm": "ln_pre", "post_layernorm": "ln_post"}[n.split(".")[1]] + "." + n.rsplit(".", 1)[1]] = t
    return d


VISION_L = dict(width=1024, layers=24, mlp=4096, out=768)
VISION_H = dict(width=1280, layers=32, mlp=5120, out=1024)
VISION_G = dict(width=1664, layers=48, mlp=8192, out=1280)


def unclip(adm, embedder):
    """SD2.1-unCLIP: a UNet of one level, the text encoder (its tokens are zero), a vision encoder."""
    d = UNet(4, 4, 320, [1], [1], [1], 1, [1, 1], 1024, True, adm).tensors("model.diffusion_model.")
    text = golden.clip_open("cond_stage_model.model.", 1024, 24, {1})
    d.update(hollow(text, "*token_embedding*", "*.mlp.*"))
    d.update(open_clip_vision(vision(**embedder, real={0: "a", embedder["layers"] - 1: "m"}), "embedder.model.visual."))
    return d


# The first convolution of most residual layers and of the wide layers in transformers: what is beside them still leads through.
LIGHT = ("*output_blocks.[0-7].0.in_layers.2.weight", "*input_blocks.[2-8].0.in_layers.2.weight", "*.ff.net.0.proj.weight")


def refiner():
    """SDXL's refiner: the widths and depths that a loader knows it by, all levels as wide as the first."""
    d = UNet(4, 4, 384, [1, 1, 1, 1], [2, 2, 2, 2], [0, 0, 4, 4, 4, 4, 0, 0], 4, [0, 0, 0, 4, 4, 4, 4, 4, 4, 0, 0, 0], 1280, True, 2560).tensors("model.diffusion_model.")
    d = hollow(d, "*.transformer_blocks.[123].*", *LIGHT, "*output_blocks.*.0.out_layers.3.weight")
    text = golden.clip_open("conditioner.embedders.0.model.", 1280, 32, {0, 31})
    d.update(hollow(text, "*.mlp.*"))
    return d


def unet(channels_in, like, *names, **changes):
    """A UNet alone of one of the golden shapes, most of it zero."""
    shape = {key: getattr(like, key) for key in ("out_ch", "base", "mult", "res", "depth", "depth_mid", "depth_out", "context", "linear_proj", "adm")} | changes
    return hollow(UNet(channels_in, **shape).tensors("model.diffusion_model."), "*.transformer_blocks.[1-9].*", *names)


def without_middle(tensors):
    return {n: t for n, t in tensors.items() if ".middle_block." not in n}


# The distilled relatives of SDXL: fewer transformer blocks, and none, or nothing at all, in the middle.
SSD = dict(depth=[0, 0, 2, 2, 4, 4], depth_mid=0, depth_out=[4, 4, 4, 2, 2, 2, 0, 0, 0])
VEGA = dict(depth=[0, 0, 1, 1, 2, 2], depth_mid=0, depth_out=[2, 2, 2, 1, 1, 1, 0, 0, 0])
KOALA = dict(res=[1, 1, 1], depth=[0, 2, 5], depth_mid=0, depth_out=[5, 5, 2, 2, 0, 0])


def style():
    """The style adapter: 8 tokens out of the vision encoder's last states."""
    w = 1024
    d = {"style_embedding": T((1, 8, w), 0.8), "proj": T((w, 768), (3.0 / w) ** 0.5)}
    for n in ("ln_pre", "ln_post"):
        d[n + ".weight"], d[n + ".bias"] = scale(w), bias(w)
    for i in range(3):
        p = f"transformer_layes.{i}."
        d[p + "attn.in_proj_weight"], d[p + "attn.in_proj_bias"] = lin(3 * w, w, 1.5), bias(3 * w)
        d[p + "attn.out_proj.weight"], d[p + "attn.out_proj.bias"] = lin(w, w), bias(w)
        d[p + "mlp.c_fc.weight"], d[p + "mlp.c_fc.bias"] = lin(4 * w, w, 1.2), bias(4 * w)
        d[p + "mlp.c_proj.weight"], d[p + "mlp.c_proj.bias"] = lin(w, 4 * w), bias(w)
        for n in ("ln_1", "ln_2"):
            d[f"{p}{n}.weight"], d[f"{p}{n}.bias"] = scale(w), bias(w)
    return hollow(d, "transformer_layes.0.mlp.*", "transformer_layes.1.*", "transformer_layes.2.attn.*")


# --------------------------------------------------------------------------
# hypernetworks (pickles), GLIGEN
# --------------------------------------------------------------------------
def hyper_layers(width, structure, norm=False, activation=True, gain=0.6):
    """One of the two networks of a width: linear layers, their places counted with what lies between them."""
    d, at = {}, 0
    for i in range(len(structure) - 1):
        a, b = int(width * structure[i]), int(width * structure[i + 1])
        d[f"linear.{at}.weight"], d[f"linear.{at}.bias"] = T((b, a), gain * (3.0 / a) ** 0.5, dtype="F32"), T((b,), 0.05, dtype="F32")
        at += 1
        last = i + 2 == len(structure)
        if activation and not last:
            at += 1
        if norm:
            d[f"linear.{at}.weight"], d[f"linear.{at}.bias"] = T((b,), 0.2, 1.0, dtype="F32"), T((b,), 0.05, dtype="F32")
            at += 1
    return d


def hyper(widths, structure, activation, norm=False, activate_output=False):
    tree = {w: [hyper_layers(w, structure, norm, activation != "linear") for _ in range(2)] for w in widths}
    tree.update({"step": 100, "name": "seen", "layer_structure": list(structure), "activation_func": activation, "is_layer_norm": norm, "weight_initialization": "Normal",
                 "sd_checkpoint": "", "sd_checkpoint_name": "", "activate_output": activate_output, "use_dropout": False})
    return tree


def gligen():
    """GLIGEN for tiny_sd15: fusers that do something in three blocks, gates closed in the others."""
    d = {}
    spots = [("input_blocks.1.1", 320), ("input_blocks.3.1", 640), ("middle_block.1", 640), ("output_blocks.0.1", 640), ("output_blocks.1.1", 640),
             ("output_blocks.2.1", 320), ("output_blocks.3.1", 320)]
    for place, w in spots:
        p = f"{place}.transformer_blocks.0.fuser."
        open_ = place in ("input_blocks.1.1", "middle_block.1", "output_blocks.3.1")
        made = {"linear.weight": lin(w, 768), "linear.bias": bias(w), "attn.to_q.weight": lin(w, w, 1.5), "attn.to_k.weight": lin(w, w, 1.5), "attn.to_v.weight": lin(w, w),
                "attn.to_out.0.weight": lin(w, w), "attn.to_out.0.bias": bias(w), "ff.net.0.proj.weight": lin(8 * w, w), "ff.net.0.proj.bias": bias(8 * w),
                "ff.net.2.weight": lin(w, 4 * w), "ff.net.2.bias": bias(w), "norm1.weight": scale(w), "norm1.bias": bias(w), "norm2.weight": scale(w), "norm2.bias": bias(w)}
        d.update({p + n: t for n, t in (made if open_ else hollow(made, "*")).items()})
        d[p + "alpha_attn"], d[p + "alpha_dense"] = (T((), dtype="F32", fixed=[v if open_ else 0.0]) for v in (0.9, -0.6))
    p = "position_net."
    d[p + "null_positive_feature"], d[p + "null_position_feature"] = T((768,), 0.5), T((64,), 0.5)
    for i, (o, k) in zip((0, 2, 4), ((512, 832), (512, 512), (768, 512))):
        d[f"{p}linears.{i}.weight"], d[f"{p}linears.{i}.bias"] = lin(o, k, 1.4), bias(o)
    return d


FILES = {
    "controlnet/seen_adapter_320.safetensors": lambda: hollow(adapter(320, 192), "body.[2-7].*"),
    "controlnet/seen_adapter_160.safetensors": lambda: hollow(adapter(160, 192), "body.[4-7].*"),
    "controlnet/seen_adapter_80_grey.safetensors": lambda: adapter(80, 64),
    "controlnet/seen_adapter_80_conv.safetensors": lambda: adapter(80, 192, 3, True),
    "controlnet/seen_adapter_80_diffusers.safetensors": lambda: adapter_diffusers(80, 192),
    "controlnet/seen_adapter_light.safetensors": lambda: adapter_light(192),
    "controlnet/seen_adapter_xl_320.safetensors": lambda: hollow(adapter(320, 768, xl=True), "body.[2-7].*"),
    "controlnet/seen_adapter_xl_160.safetensors": lambda: hollow(adapter(160, 768, xl=True), "body.[4-7].*"),
    "controlnet/seen_adapter_xl_80_grey.safetensors": lambda: adapter(80, 256, xl=True),
    "controlnet/seen_control_difference.safetensors": control_difference,
    "controlnet/seen_control_lora_sd15.safetensors": lambda: control_lora(golden.UNET_SD15),
    "controlnet/seen_control_lora_sdxl.safetensors": lambda: control_lora(golden.UNET_SDXL),
    "controlnet/seen_control_union_6.safetensors": lambda: control_union(6),
    "controlnet/seen_control_union_8.safetensors": lambda: control_union(8),
    "controlnet/seen_control_diffusers.safetensors": control_diffusers,
    "diffusion_models/seen_unet_diffusers.safetensors": unet_diffusers,
    "clip_vision/seen_clip_l.safetensors": lambda: vision(**VISION_L, real={0: "a", 22: "m", 23: "a"}),
    "clip_vision/seen_clip_l_336.safetensors": lambda: vision(**VISION_L, side=336, real={0: "a"}),
    "clip_vision/seen_clip_h.safetensors": lambda: vision(**VISION_H, real={0: "a", 30: "m"}),
    "clip_vision/seen_clip_g.safetensors": lambda: vision(**VISION_G, real={0: "a"}),
    "clip_vision/seen_open_clip_h.safetensors": lambda: open_clip_vision(vision(**VISION_H, real={0: "am"}), "visual."),
    "checkpoints/seen_unclip_h.safetensors": lambda: unclip(2048, VISION_H),
    "checkpoints/seen_unclip_l.safetensors": lambda: unclip(1536, VISION_L),
    "checkpoints/seen_refiner.safetensors": refiner,
    "checkpoints/seen_sdxl_v.safetensors": lambda: marked(unet(4, golden.UNET_SDXL, *LIGHT), "v_pred"),
    "checkpoints/seen_sdxl_v_zero.safetensors": lambda: marked(marked(unet(4, golden.UNET_SDXL, *LIGHT), "v_pred"), "ztsnr"),
    "diffusion_models/seen_sd2_eps.safetensors": lambda: unet(4, golden.UNET_SD2, *LIGHT, "*.norm1.bias"),
    "diffusion_models/seen_sd2_inpaint.safetensors": lambda: unet(9, golden.UNET_SD2, *LIGHT),
    "diffusion_models/seen_sdxl_inpaint.safetensors": lambda: unet(9, golden.UNET_SDXL, *LIGHT),
    "diffusion_models/seen_sd15_pix2pix.safetensors": lambda: unet(8, golden.UNET_SD15_INPAINT),
    "diffusion_models/seen_sdxl_pix2pix.safetensors": lambda: unet(8, golden.UNET_SDXL, *LIGHT),
    "diffusion_models/seen_ssd.safetensors": lambda: unet(4, golden.UNET_SDXL, *LIGHT, **SSD),
    "diffusion_models/seen_vega.safetensors": lambda: unet(4, golden.UNET_SDXL, *LIGHT, **VEGA),
    "diffusion_models/seen_koala.safetensors": lambda: without_middle(unet(4, golden.UNET_SDXL, *LIGHT, **KOALA)),
    "style_models/seen_style.safetensors": style,
    "hypernetworks/seen_relu.pt": lambda: hyper((320, 768), (1, 0.05, 1), "relu"),
    "hypernetworks/seen_swish_norm.pt": lambda: hyper((640, 768), (1, 0.05, 0.1, 1), "swish", norm=True),
    "hypernetworks/seen_linear.pt": lambda: hyper((320, 640, 768), (1, 0.05, 1), "linear"),
    "hypernetworks/seen_leakyrelu.pt": lambda: hyper((320, 768), (1, 0.05, 0.05, 1), "leakyrelu", activate_output=True),
    "gligen/seen_gligen.safetensors": gligen,
}
for activation in ("elu", "tanh", "sigmoid", "softsign", "mish"):
    FILES[f"hypernetworks/seen_{activation}.pt"] = lambda activation=activation: hyper((768,), (1, 0.02, 1), activation)


def pickled(tree, tensors):
    """Protocol 2, as torch.save writes it, of dicts, lists, texts, numbers and tensors; those are added to `tensors` with their paths."""
    out = bytearray(b"\x80\x02")

    def number(v):
        out.extend(b"K" + bytes([v]) if 0 <= v < 256 else b"J" + struct.pack("<i", v))

    def put(v, path):
        if isinstance(v, dict):
            out.extend(b"}(")
            for k, x in v.items():
                put(k, path)
                put(x, f"{path}.{k}")
            out.extend(b"u")
        elif isinstance(v, list):
            out.extend(b"](")
            for i, x in enumerate(v):
                put(x, f"{path}.{i}")
            out.extend(b"e")
        elif isinstance(v, T):
            out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((")
            put("storage", "")
            out.extend(b"ctorch\n" + {"F32": b"FloatStorage", "F16": b"HalfStorage"}[v.dtype] + b"\n")
            put(str(len(tensors)), "")
            put("cpu", "")
            number(v.count)
            out.extend(b"tQK\x00(")
            for size in v.shape:
                number(size)
            out.extend(b"t(")
            for i in range(len(v.shape)):
                number(int(np.prod(v.shape[i + 1:], dtype=np.int64)))
            out.extend(b"t\x89ccollections\nOrderedDict\n)RtR")
            tensors.append((v, path))
        elif isinstance(v, str):
            out.extend(b"X" + struct.pack("<I", len(v.encode())) + v.encode())
        elif isinstance(v, bool):
            out.extend(b"\x88" if v else b"\x89")
        elif isinstance(v, int):
            number(v)
        else:
            out.extend(b"G" + struct.pack(">d", v))

    put(tree, "")
    return bytes(out + b".")


def write_pt(path, tag, tree):
    """A torch zip archive."""
    tensors = []
    data = pickled(tree, tensors)
    root = os.path.splitext(os.path.basename(path))[0]
    with zipfile.ZipFile(path + ".part", "w", zipfile.ZIP_STORED) as archive:
        def add(name, content):
            archive.writestr(zipfile.ZipInfo(f"{root}/{name}", (1980, 1, 1, 0, 0, 0)), content)
        add("data.pkl", data)
        for i, (tensor, where) in enumerate(tensors):
            add(f"data/{i}", b"".join(tensor.chunks(f"{tag}:{where}")))
        add("version", b"3\n")
    os.replace(path + ".part", path)


def write(path, tag, tree):
    if path.endswith(".safetensors"):
        golden.write_safetensors(path, tag, tree, {"format": "pt"})
    else:
        write_pt(path, tag, tree)


def main(argv):
    if "--list" in argv:
        print("\n".join(FILES))
        return 0
    args = list(argv)
    only = None
    if "--only" in args:
        only = args.pop(args.index("--only") + 1).split(",")
        args.remove("--only")
    if len(args) != 1:
        print(__doc__)
        return 2
    for name, make in FILES.items():
        if only and not any(fnmatch.fnmatch(name, g) or fnmatch.fnmatch(os.path.basename(name), g) for g in only):
            continue
        path = os.path.join(args[0], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, os.path.splitext(os.path.basename(name))[0], make())
        st = os.stat(path)
        print(f"{st.st_size / 1e6:9.1f} MB ({st.st_blocks * 512 / 1e6:7.1f} on disk)  {name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
