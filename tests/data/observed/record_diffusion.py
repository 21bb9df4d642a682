"""Cases of diffusion nodes that were watched on the reference server (ComfyUI 0.8.0, --cpu) with the models of make_models.py
and ../golden/make_models.py, because no golden case or document settles them.

    python3 record_diffusion.py http://127.0.0.1:8188 [GLOB...]   # writes TOPIC/ID anew: workflow.json, case.json, expected.safetensors

They have the form of the golden cases, and nodes_tests runs both.  Needs numpy, safetensors and Pillow.
"""
import fnmatch
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import compare  # noqa: E402

CASES = {}
TOLERANCE = {"latent": {"rel_l2": 2e-4, "rel_max": 5e-4}}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": {k: list(v) if isinstance(v, tuple) else v for k, v in inputs.items()}}


def files_of(workflow):
    """Model files and pictures that a workflow names."""
    texts = [v for n in workflow.values() for v in n["inputs"].values() if isinstance(v, str)]
    models = sorted({t for t in texts if t.endswith((".safetensors", ".pt"))})
    return models, sorted({t for t in texts if t.startswith("ga_")})


def case(name, title, nodes, *outputs, tags=(), tolerance=TOLERANCE):
    """`name`: topic/id.  `outputs`: links of latents to save."""
    workflow = dict(nodes)
    for i, link in enumerate(outputs):
        workflow[f"s{i}"] = node("SaveLatent", samples=link, filename_prefix=f"observed/{name.split('/')[1]}")
    CASES[name] = (title, workflow, list(tags), tolerance)


def scene(model, width=64, height=64, batch=1, text="a photo of a cat wearing a red hat", negative="blurry, low quality"):
    """m: the checkpoint, p and n: its texts, l: an empty latent."""
    return {"m": node("CheckpointLoaderSimple", ckpt_name=model), "p": node("CLIPTextEncode", clip=("m", 1), text=text),
            "n": node("CLIPTextEncode", clip=("m", 1), text=negative), "l": node("EmptyLatentImage", width=width, height=height, batch_size=batch)}


def sampled(model=("m", 0), positive=("p", 0), negative=("n", 0), latent=("l", 0), seed=7, steps=2, cfg=4.0, sampler="euler"):
    return {"k": node("KSampler", model=model, positive=positive, negative=negative, latent_image=latent, seed=seed, steps=steps, cfg=cfg, sampler_name=sampler,
                      scheduler="normal", denoise=1.0)}


def picture(name):
    return {"i": node("LoadImage", image=name)}


def applied(link=("c", 0), image=("i", 0), positive=("p", 0), negative=("n", 0), strength=1.0, start=0.0, end=1.0):
    return node("ControlNetApplyAdvanced", positive=positive, negative=negative, control_net=link, image=image, strength=strength, start_percent=start, end_percent=end)


def controlled(name, title, file, model, loader=None, image="ga_hint.png", size=(64, 64), batch=1, tags=("controlnet",), steps=2, **use):
    nodes = {**scene(model, *size, batch), **picture(image), "c": loader or node("ControlNetLoader", control_net_name=file), "a": applied(**use)}
    case(name, title, {**nodes, **sampled(positive=("a", 0), negative=("a", 1), steps=steps)}, ("k", 0), tags=tags)


SD15, SD2, SDXL = "tiny_sd15.safetensors", "tiny_sd2_v.safetensors", "tiny_sdxl.safetensors"
TALL = (64, 128)  # divides by 64, so that adapters and UNets halve it alike

# --- T2I-Adapters ------------------------------------------------------------
for c, what in (("320", "the first feature"), ("160", "the second"), ("80_conv", "the last two; convolutions halve the size, kernels of 3"), ("80_diffusers", "diffusers' names"),
                ("80_grey", "a picture of one channel"), ("light", "the light form")):
    controlled(f"adapters/adapter_{c}", f"T2I-Adapter: {what}", f"seen_adapter_{c}.safetensors", SD2, size=TALL, strength=0.9, tags=("controlnet", "sd2") + (("smoke",) if c == "80_diffusers" else ()))
for c in ("320", "160", "80_grey"):
    controlled(f"adapters/adapter_xl_{c}", "T2I-Adapter of SDXL", f"seen_adapter_xl_{c}.safetensors", SDXL, size=TALL, steps=1, tags=("controlnet", "sdxl"))
controlled("adapters/adapter_xl_odd", "T2I-Adapter of SDXL: sides that 16 pixels do not divide", "seen_adapter_xl_320.safetensors", SDXL, size=(72, 104), steps=1, tags=("controlnet", "sdxl"))
controlled("adapters/adapter_range", "T2I-Adapter: a range of the schedule, a batch, a wide picture", "seen_adapter_80_diffusers.safetensors", SD2, size=(128, 64), batch=2, image="ga_wide.png",
           strength=0.7, start=0.2, end=0.7, steps=3, tags=("controlnet", "sd2"))
controlled("adapters/adapter_odd", "T2I-Adapter: a latent that is no multiple of 8: what does not fit is left out", "seen_adapter_160.safetensors", SD2, size=(72, 104), tags=("controlnet", "sd2"))

# --- ControlNets ---------------------------------------------------------------
controlled("controls/difference", "DiffControlNetLoader: added to the model's weights", "", SD15, strength=0.8, tags=("controlnet", "smoke"),
           loader=node("DiffControlNetLoader", model=("m", 0), control_net_name="seen_control_difference.safetensors"))
controlled("controls/difference_of_whole", "DiffControlNetLoader with a whole ControlNet", "", SD15,
           loader=node("DiffControlNetLoader", model=("m", 0), control_net_name="tiny_control_sd15.safetensors"))
controlled("controls/difference_alone", "ControlNetLoader with a file of differences: taken as it is", "seen_control_difference.safetensors", SD15)
controlled("controls/lora_sd15", "a control LoRA", "seen_control_lora_sd15.safetensors", SD15, strength=0.8, tags=("controlnet", "smoke"))
controlled("controls/lora_sdxl", "a control LoRA of SDXL", "seen_control_lora_sdxl.safetensors", SDXL, steps=1, tags=("controlnet", "sdxl"))

PATCHED = {"lm": node("LoraLoaderModelOnly", model=("m", 0), lora_name="lora_ldm.safetensors", strength_model=1.0)}
for name, loader in (("lora_patched", node("ControlNetLoader", control_net_name="seen_control_lora_sd15.safetensors")),
                     ("difference_patched", node("DiffControlNetLoader", model=("lm", 0), control_net_name="seen_control_difference.safetensors"))):
    case(f"controls/{name}", "the model's weights as a LoRA changed them", {**scene(SD15), **picture("ga_hint.png"), **PATCHED, "c": loader, "a": applied(),
         **sampled(model=("lm", 0), positive=("a", 0), negative=("a", 1))}, ("k", 0), tags=("controlnet",))

UNION = {**scene(SDXL), **picture("ga_hint.png")}
for count, kind in ((6, None), (8, None), (8, "auto"), (8, "openpose"), (8, "tile"), (6, "depth")):
    nodes = {**UNION, "c": node("ControlNetLoader", control_net_name=f"seen_control_union_{count}.safetensors")}
    if kind:
        nodes["u"] = node("SetUnionControlNetType", control_net=("c", 0), type=kind)
    nodes["a"] = applied(("u" if kind else "c", 0), strength=0.8)
    case(f"controls/union_{count}_{kind or 'plain'}", f"union ControlNet of {count} types: {kind or 'no type set'}", {**nodes, **sampled(positive=("a", 0), negative=("a", 1), steps=1)}, ("k", 0),
         tags=("controlnet", "sdxl"))
case("controls/set_type_of_plain", "SetUnionControlNetType on a ControlNet that is none",
     {**scene(SD15), **picture("ga_hint.png"), "c": node("ControlNetLoader", control_net_name="tiny_control_sd15.safetensors"),
      "u": node("SetUnionControlNetType", control_net=("c", 0), type="depth"), "a": applied(("u", 0)), **sampled(positive=("a", 0), negative=("a", 1))}, ("k", 0), tags=("controlnet",))
case("controls/stacked", "an adapter, a control LoRA and a ControlNet behind each other",
     {**scene(SD15), **picture("ga_hint.png"), "w": node("LoadImage", image="ga_wide.png"), "c1": node("ControlNetLoader", control_net_name="seen_control_lora_sd15.safetensors"),
      "c2": node("ControlNetLoader", control_net_name="tiny_control_sd15.safetensors"), "c3": node("ControlNetLoader", control_net_name="seen_adapter_320.safetensors"),
      "a1": applied(("c1", 0), strength=0.6), "a2": applied(("c2", 0), ("w", 0), ("a1", 0), ("a1", 1), 0.5, 0.0, 0.6),
      "a3": applied(("c3", 0), ("i", 0), ("a2", 0), ("a2", 1), 0.9), **sampled(positive=("a3", 0), negative=("a3", 1))}, ("k", 0), tags=("controlnet",))
case("controls/other_text", "CLIPTextEncodeControlnet: the control reads another text",
     {**scene(SD15), **picture("ga_hint.png"), "c": node("ControlNetLoader", control_net_name="tiny_control_sd15.safetensors"),
      "t": node("CLIPTextEncodeControlnet", clip=("m", 1), conditioning=("p", 0), text="lines on paper"),
      "a": applied(positive=("t", 0)), **sampled(positive=("a", 0), negative=("a", 1))}, ("k", 0), tags=("controlnet",))
controlled("controls/diffusers_names", "a ControlNet in diffusers' names, with a model in diffusers' names", "seen_control_diffusers.safetensors", SD15, steps=1)
CASES["controls/diffusers_names"][1]["u"] = node("UNETLoader", unet_name="seen_unet_diffusers.safetensors", weight_dtype="default")
CASES["controls/diffusers_names"][1]["k"]["inputs"]["model"] = ["u", 0]

# --- pictures as conditioning -----------------------------------------------
VISION = {**picture("ga_wide.png")}


def vision(file, crop="center"):
    return {"v": node("CLIPVisionLoader", clip_name=file), "e": node("CLIPVisionEncode", clip_vision=("v", 0), image=("i", 0), crop=crop)}


for strength, kind in ((1.0, "multiply"), (0.6, "multiply"), (0.6, "attn_bias"), (0.0, "attn_bias")):
    case(f"vision/style_{kind}_{strength}", f"StyleModelApply: {kind} {strength}",
         {**scene(SD15), **VISION, **vision("seen_clip_l.safetensors"), "sm": node("StyleModelLoader", style_model_name="seen_style.safetensors"),
          "a": node("StyleModelApply", conditioning=("p", 0), style_model=("sm", 0), clip_vision_output=("e", 0), strength=strength, strength_type=kind), **sampled(positive=("a", 0))},
         ("k", 0), tags=("vision",) + (("smoke",) if kind == "multiply" and strength == 0.6 else ()))
case("vision/style_batch", "StyleModelApply of two pictures without cropping",
     {**scene(SD15), "i": node("LoadImage", image="ga_anim.gif"), "b": node("ImageFromBatch", image=("i", 0), batch_index=0, length=2), **vision("seen_clip_l.safetensors", "none"),
      "sm": node("StyleModelLoader", style_model_name="seen_style.safetensors"),
      "a": node("StyleModelApply", conditioning=("p", 0), style_model=("sm", 0), clip_vision_output=("e", 0), strength=1.0, strength_type="multiply"), **sampled(positive=("a", 0))}, ("k", 0), tags=("vision",))
CASES["vision/style_batch"][1]["e"]["inputs"]["image"] = ["b", 0]


def unclip(name, title, file, uses, crop="center", tags=("unclip",), **sampling):
    """`uses`: strength and noise of each picture."""
    nodes = {"m": node("unCLIPCheckpointLoader", ckpt_name=file), "p": node("CLIPTextEncode", clip=("m", 1), text="a house"), "n": node("CLIPTextEncode", clip=("m", 1), text=""),
             "l": node("EmptyLatentImage", width=64, height=64, batch_size=1), **VISION, "e": node("CLIPVisionEncode", clip_vision=("m", 3), image=("i", 0), crop=crop),
             "i2": node("LoadImage", image="ga_hint.png"), "e2": node("CLIPVisionEncode", clip_vision=("m", 3), image=("i2", 0), crop=crop)}
    last = "p"
    for i, (strength, noise) in enumerate(uses):
        nodes[f"u{i}"] = node("unCLIPConditioning", conditioning=(last, 0), clip_vision_output=("e2" if i else "e", 0), strength=strength, noise_augmentation=noise)
        last = f"u{i}"
    case(name, title, {**nodes, **sampled(positive=(last, 0), **sampling)}, ("k", 0), tags=tags)


unclip("vision/unclip_h", "unCLIP with ViT-H", "seen_unclip_h.safetensors", [(1.0, 0.0)])
unclip("vision/unclip_l", "unCLIP with ViT-L, noised", "seen_unclip_l.safetensors", [(0.7, 0.3)], crop="none", tags=("unclip", "smoke"))
unclip("vision/unclip_two", "unCLIP: two pictures", "seen_unclip_l.safetensors", [(0.7, 0.2), (0.5, 0.6)], seed=2**63 + 5)
unclip("vision/unclip_none", "unCLIP without a picture", "seen_unclip_l.safetensors", [])
unclip("vision/unclip_zero", "unCLIP: strength 0, noise 1", "seen_unclip_l.safetensors", [(0.0, 1.0)])

# --- hypernetworks ------------------------------------------------------------
for file, strength in (("relu", 1.0), ("swish_norm", 0.7), ("linear", -0.5), ("leakyrelu", 1.0), ("elu", 1.0), ("tanh", 1.0), ("sigmoid", 1.0),
                       ("softsign", 1.0), ("mish", 1.0)):
    case(f"hypernetworks/{file}", f"HypernetworkLoader: {file}, strength {strength}",
         {**scene(SD15), "h": node("HypernetworkLoader", model=("m", 0), hypernetwork_name=f"seen_{file}.pt", strength=strength), **sampled(model=("h", 0))}, ("k", 0),
         tags=("hypernetwork",) + (("smoke",) if file == "relu" else ()))
case("hypernetworks/two", "two hypernetworks behind each other",
     {**scene(SD15), "h": node("HypernetworkLoader", model=("m", 0), hypernetwork_name="seen_relu.pt", strength=0.6),
      "h2": node("HypernetworkLoader", model=("h", 0), hypernetwork_name="seen_linear.pt", strength=0.8), **sampled(model=("h2", 0))}, ("k", 0), tags=("hypernetwork",))

# --- GLIGEN ---------------------------------------------------------------------
def box(conditioning, text, width, height, x, y):
    return node("GLIGENTextBoxApply", conditioning_to=conditioning, clip=("m", 1), gligen_textbox_model=("g", 0), text=text, width=width, height=height, x=x, y=y)


GLIGEN = {"g": node("GLIGENLoader", gligen_name="seen_gligen.safetensors")}
case("gligen/one", "a box", {**scene(SD15), **GLIGEN, "b": box(("p", 0), "a red ball", 32, 24, 8, 16), **sampled(positive=("b", 0))}, ("k", 0), tags=("gligen", "smoke"))
case("gligen/two", "two boxes, a wide latent, a batch",
     {**scene(SD15, 96, 64, 2), **GLIGEN, "b": box(("p", 0), "a red ball", 32, 24, 8, 16), "b2": box(("b", 0), "a (tall:1.3) tree", 40, 64, 56, 0), **sampled(positive=("b2", 0))}, ("k", 0), tags=("gligen",))
case("gligen/both", "boxes on both sides; cfg 1 beside it",
     {**scene(SD15), **GLIGEN, "b": box(("p", 0), "a red ball", 32, 24, 8, 16), "b2": box(("n", 0), "a dog", 16, 16, 48, 48), **sampled(positive=("b", 0), negative=("b2", 0)),
      "k1": {**sampled(positive=("b", 0), cfg=1.0)["k"]}}, ("k", 0), ("k1", 0), tags=("gligen",))


def main():
    server = compare.Server(sys.argv[1], 600)
    patterns = sys.argv[2:] or ["*"]
    wanted = {name: made for name, made in CASES.items() if any(fnmatch.fnmatch(name, p) for p in patterns)}
    inputs = {name for _, workflow, _, _ in wanted.values() for name in files_of(workflow)[1]}
    for name in sorted(inputs):
        server.upload(os.path.join(HERE, "..", "golden", "inputs", name))
    for name, (title, workflow, tags, tolerance) in wanted.items():
        try:
            got = compare.fetch(server, server.run(workflow))
        except Exception as error:  # noqa: BLE001 - the case tells us so
            print(name, "FAILS:", error)
            continue
        folder = os.path.join(HERE, name)
        compare.save_outputs(folder, got)
        models, pictures = files_of(workflow)
        facts = {"id": name.split("/")[1], "title": title, "tags": tags, "models": models, "inputs": pictures, "tolerance": tolerance}
        for file, data in (("workflow.json", workflow), ("case.json", facts)):
            with open(os.path.join(folder, file), "w") as out:
                json.dump(data, out, indent=1)
                out.write("\n")
        print(name, {k: v.shape for k, v in got.items()})


if __name__ == "__main__":
    main()
