"""Cases of hooks and of the nodes that set several properties of a conditioning (hooks/), watched as record_diffusion.py tells.

    python3 record_hooks.py http://127.0.0.1:8188 [GLOB...]
"""
import record_diffusion as watched
from record_diffusion import SD15, SDXL, case, main, node, sampled, scene

watched.CASES.clear()


def lora(name="lora_kohya", model=0.8, clip=0.5, previous=None):
    return node("CreateHookLora", lora_name=f"{name}.safetensors", strength_model=model, strength_clip=clip, **({"prev_hooks": previous} if previous else {}))


def keyframes(hooks, *moments):
    """`moments`: (strength, start).  The hooks with them are node "hk"."""
    nodes = {}
    for i, (strength, start) in enumerate(moments):
        nodes[f"f{i}"] = node("CreateHookKeyframe", strength_mult=strength, start_percent=start, **({"prev_hook_kf": (f"f{i - 1}", 0)} if i else {}))
    nodes["hk"] = node("SetHookKeyframes", hooks=hooks, hook_kf=(f"f{len(moments) - 1}", 0))
    return nodes


def interpolated(way, start, end, first, last, count):
    return {"f": node("CreateHookKeyframesInterpolated", strength_start=first, strength_end=last, interpolation=way, start_percent=start, end_percent=end, keyframes_count=count,
                      print_keyframes=False), "hk": node("SetHookKeyframes", hooks=("h", 0), hook_kf=("f", 0))}


def with_hooks(link, hooks, **more):
    return node("ConditioningSetProperties", cond_NEW=link, strength=more.pop("strength", 1.0), set_cond_area="default", **({"hooks": hooks} if hooks else {}), **more)


MASK = {"i": node("LoadImage", image="ga_mask.png"), "k0": node("ImageToMask", image=("i", 0), channel="red")}

case("hooks/lora", "a LoRA for the positive alone", {**scene(SD15), "h": lora(), "a": with_hooks(("p", 0), ("h", 0)), **sampled(positive=("a", 0))}, ("k", 0), tags=("hooks", "smoke"))
case("hooks/lora_both", "a LoRA for both, over one in the model; its node alone",
     {**scene(SD15), "r": node("LoraLoaderModelOnly", model=("m", 0), lora_name="lora_lycoris.safetensors", strength_model=0.6),
      "h": node("CreateHookLoraModelOnly", lora_name="lora_locon.safetensors", strength_model=-0.7),
      "a": node("PairConditioningSetProperties", positive_NEW=("p", 0), negative_NEW=("n", 0), strength=1.0, set_cond_area="default", hooks=("h", 0)),
      **sampled(model=("r", 0), positive=("a", 0), negative=("a", 1))}, ("k", 0), tags=("hooks",))
case("hooks/lycoris", "LoHa, LoKr and DoRA as a hook, changing strength",
     {**scene(SD15), "h": lora("lora_lycoris", 1.2), **keyframes(("h", 0), (0.5, 0.0), (1.0, 0.5)), "a": with_hooks(("p", 0), ("hk", 0)), **sampled(positive=("a", 0), steps=3)}, ("k", 0), tags=("hooks",))
case("hooks/keyframes", "strengths by keyframes", {**scene(SD15), "h": lora(), **keyframes(("h", 0), (0.2, 0.0), (0.9, 0.3), (0.0, 0.6)), "a": with_hooks(("p", 0), ("hk", 0)),
     **sampled(positive=("a", 0), steps=5)}, ("k", 0), tags=("hooks",))
case("hooks/keyframes_held", "each keyframe is kept for a step; the first one's strength holds before it begins",
     {**scene(SD15), "h": lora(), **keyframes(("h", 0), (0.2, 0.1), (0.5, 0.15), (0.9, 0.2), (1.4, 0.25)), "a": with_hooks(("p", 0), ("hk", 0)), **sampled(positive=("a", 0), steps=5)}, ("k", 0), tags=("hooks",))
for way, sampler in (("linear", "euler"), ("ease_in", "heun"), ("ease_out", "dpmpp_2m"), ("ease_in_out", "dpm_2")):
    case(f"hooks/keyframes_{way}", f"keyframes in between: {way}, {sampler}",
         {**scene(SD15), "h": lora(), **interpolated(way, 0.1, 0.8, 0.1, 1.3, 9), "a": with_hooks(("p", 0), ("hk", 0)), **sampled(positive=("a", 0), steps=4, sampler=sampler)}, ("k", 0), tags=("hooks",))
case("hooks/two", "two texts with hooks of their own, one masked; what is left is a third's",
     {**scene(SD15), **MASK, "h": lora(), "h2": lora("lora_locon"), "p2": node("CLIPTextEncode", clip=("m", 1), text="a house"), "p3": node("CLIPTextEncode", clip=("m", 1), text="snow"),
      "a": with_hooks(("p", 0), ("h", 0), mask=("k0", 0), strength=0.7),
      "a2": node("ConditioningSetPropertiesAndCombine", cond=("a", 0), cond_NEW=("p2", 0), strength=0.2, set_cond_area="default", hooks=("h2", 0), mask=("k0", 0)),
      "a3": node("ConditioningSetDefaultCombine", cond=("a2", 0), cond_DEFAULT=("p3", 0), hooks=("h", 0)), **sampled(positive=("a3", 0))}, ("k", 0), tags=("hooks",))
case("hooks/default", "an entry that stands in: before another begins, and where it does not reach",
     {**scene(SD15), **MASK, "t": node("ConditioningTimestepsRange", start_percent=0.3, end_percent=1.0),
      "p2": node("CLIPTextEncode", clip=("m", 1), text="snow"), "a": node("ConditioningSetProperties", cond_NEW=("p", 0), strength=0.8, set_cond_area="mask bounds", mask=("k0", 0), timesteps=("t", 0)),
      "a2": node("PairConditioningSetDefaultCombine", positive=("a", 0), negative=("n", 0), positive_DEFAULT=("p2", 0), negative_DEFAULT=("p", 0)),
      **sampled(positive=("a2", 0), negative=("a2", 1), steps=3)}, ("k", 0), tags=("hooks", "smoke"))
case("hooks/ranges", "parts of the schedule: before, within, behind",
     {**scene(SD15), "t": node("ConditioningTimestepsRange", start_percent=0.25, end_percent=0.6), "p2": node("CLIPTextEncode", clip=("m", 1), text="a house"),
      "p3": node("CLIPTextEncode", clip=("m", 1), text="snow"), "h": lora(),
      "a": node("ConditioningSetProperties", cond_NEW=("p", 0), strength=1.0, set_cond_area="default", timesteps=("t", 1)),
      "a2": node("PairConditioningSetPropertiesAndCombine", positive=("a", 0), negative=("n", 0), positive_NEW=("p2", 0), negative_NEW=("p3", 0), strength=1.0, set_cond_area="default", timesteps=("t", 0), hooks=("h", 0)),
      "a3": node("PairConditioningSetProperties", positive_NEW=("p3", 0), negative_NEW=("p2", 0), strength=1.0, set_cond_area="default", timesteps=("t", 2)),
      "a4": node("PairConditioningCombine", positive_A=("a2", 0), negative_A=("a2", 1), positive_B=("a3", 0), negative_B=("a3", 1)),
      **sampled(positive=("a4", 0), negative=("a4", 1), steps=5)}, ("k", 0), tags=("hooks",))
case("hooks/clip", "a text encoder with hooks", {**scene(SD15), "h": lora(), "c": node("SetClipHooks", clip=("m", 1), apply_to_conds=True, schedule_clip=False, hooks=("h", 0)),
     "q": node("CLIPTextEncode", clip=("c", 0), text="a (red:1.3) hat"), **sampled(positive=("q", 0))}, ("k", 0), tags=("hooks", "te_fp16"), tolerance={"latent": {"rel_l2": 2e-3, "rel_max": 4e-3}})
case("hooks/clip_scheduled", "a text encoded for each strength",
     {**scene(SD15), "h": lora(), **keyframes(("h", 0), (0.3, 0.2), (1.2, 0.5)), "c": node("SetClipHooks", clip=("m", 1), apply_to_conds=False, schedule_clip=True, hooks=("hk", 0)),
      "q": node("CLIPTextEncode", clip=("c", 0), text="a (red:1.3) hat"), **sampled(positive=("q", 0), steps=4)}, ("k", 0), tags=("hooks", "te_fp16"), tolerance={"latent": {"rel_l2": 2e-3, "rel_max": 4e-3}})
case("hooks/model", "another model's weights as a hook", {**scene(SD15), "u": node("UNETLoader", unet_name="tiny_sd15_b.safetensors", weight_dtype="default"),
     "h": node("CreateHookModelAsLora", ckpt_name=SD15, strength_model=0.4, strength_clip=1.0), "a": with_hooks(("p", 0), ("h", 0)), **sampled(model=("u", 0), positive=("a", 0))}, ("k", 0), tags=("hooks",))
case("hooks/combined", "hooks put together: one that is in both counts once",
     {**scene(SD15), "h": lora(), "h2": lora("lora_ldm", 0.5, 0.0, ("h", 0)), "h3": node("CombineHooks2", hooks_A=("h", 0), hooks_B=("h2", 0)), "h4": node("CombineHooks4", hooks_B=("h3", 0), hooks_D=("h", 0)),
      "a": with_hooks(("p", 0), ("h4", 0)), "a2": with_hooks(("a", 0), ("h", 0)), **sampled(positive=("a2", 0), cfg=1.0)}, ("k", 0), tags=("hooks",))
case("hooks/sdxl", "a LoRA of SDXL for the negative, a batch", {**scene(SDXL, batch=2), "h": lora("lora_sdxl"), "a": with_hooks(("n", 0), ("h", 0)), **sampled(negative=("a", 0))}, ("k", 0), tags=("hooks", "sdxl"))

if __name__ == "__main__":
    main()
