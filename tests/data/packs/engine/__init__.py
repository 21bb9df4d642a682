"""A pack for tests/e2e/test_python_engine.py: conditionings, latents and models in Python's hands."""
import os
import sys
import time

import _darkroom
import torch
from comfy_execution.graph_utils import GraphBuilder
from darkroom_host import current
from darkroom_host.handles import Handle
from darkroom_host.handles import make as make_handle
from server import PromptServer

SLEEP = []


def node(required, returns=("*",), output=False, optional=None, hidden=None):
    """A class around a function of these inputs."""
    inputs = {"required": required, "optional": optional or {}, "hidden": hidden or {}}

    def make(function):
        body = {"INPUT_TYPES": classmethod(lambda cls: inputs), "RETURN_TYPES": returns, "FUNCTION": "go", "CATEGORY": "tests", "OUTPUT_NODE": output, "go": function}
        return type(function.__name__, (), body)
    return make


def show(text):
    return {"ui": {"text": [str(text)]}, "result": (text,)}


# ---- conditionings and latents

@node({"conditioning": ("CONDITIONING",), "key": ("STRING", {}), "value": ("FLOAT", {})}, ("CONDITIONING",))
def SetKey(self, conditioning, key, value):
    return ([[text, {**options, key: value}] for text, options in conditioning],)


@node({"conditioning": ("CONDITIONING",)}, output=True)
def Keys(self, conditioning):
    return show([sorted(key for key, value in options.items() if value is not None) for _, options in conditioning])


@node({"conditioning": ("CONDITIONING",), "key": ("STRING", {})}, output=True)
def GetKey(self, conditioning, key):
    return show(conditioning[0][1].get(key))


@node({"latent": ("LATENT",), "key": ("STRING", {}), "value": ("INT", {})}, ("LATENT",))
def SetLatentKey(self, latent, key, value):
    return ({**latent, key: value},)


@node({"latent": ("LATENT",)}, output=True)
def LatentKeys(self, latent):
    return show({key: value for key, value in latent.items() if not isinstance(value, torch.Tensor)})


@node({"a": ("LATENT",), "b": ("LATENT",)}, output=True)
def Difference(self, a, b):
    """The largest difference beside the largest value."""
    return show(float((a["samples"] - b["samples"]).abs().max() / b["samples"].abs().max()))


@node({"image": ("IMAGE",), "level": ("FLOAT", {})}, ("IMAGE",))
def Expanded(self, image, level):
    """A graph that holds a picture and a mask of its own as constants."""
    graph = GraphBuilder()
    inverted = graph.node("ImageInvert", image=torch.full_like(image, level))
    return {"result": (inverted.out(0),), "expand": graph.finalize()}


@node({}, ("*",), True, hidden={"prompt": "DYNPROMPT", "id": "UNIQUE_ID"})
def WhereAmI(self, prompt, id):
    return show([prompt.has_node(id), prompt.get_node(id)["class_type"], prompt.get_parent_node_id(id), prompt.get_display_node_id(id), prompt.get_real_node_id(id)])


@node({}, ("*",), True)
def Around(self):
    graph = GraphBuilder()
    inner = graph.node("EngineWhereAmI")
    return {"result": (inner.out(0),), "expand": graph.finalize()}


# ---- what classes take

class Files:
    """Its choices are files of a folder that change."""
    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        names = sorted(os.listdir(os.environ["ENGINE_FILES"]))
        if "slow" in names:
            time.sleep(8)
        inputs = {"name": (names,)}
        if "more" in names:
            inputs["added"] = ("INT", {"default": 0})
        return {"required": inputs}

    def go(self, name, added=None):
        return (f"{name} {added}",)


class Every(dict):
    def __contains__(self, name):
        return True

    def __getitem__(self, name):
        return ("*",)


class TakesAll:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "tests"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": Every()}

    def go(self, **given):
        return show(sorted(given.items()))


@node({"seconds": ("FLOAT", {})}, output=True)
def Deaf(self, seconds):
    """Looks at no interruption."""
    PromptServer.instance.send_sync("engine.deaf", {})
    time.sleep(seconds)
    return show("slept")


@node({}, output=True)
def GivesUp(self):
    _darkroom.interrupt(current.number())
    _darkroom.check(current.number())
    return show("went on")


# ---- native nodes and networks

@node({"text": ("STRING", {}), "clip": ("CLIP",)}, ("CONDITIONING",))
def Encode(self, text, clip):
    tokens = _darkroom.clip_tokenize(current.number(), clip, text)
    cond, pooled = _darkroom.clip_encode(current.number(), clip, tokens)
    return ([[cond, {"pooled_output": pooled}]],)


@node({"name": ("STRING", {}), "latent": ("LATENT",), "vae": ("VAE",)}, ("*",))
def CallNative(self, name, latent, vae):
    (image,), _ = _darkroom.call_native(current.number(), name, {"samples": latent, "vae": vae})
    return (image,)


@node({"model": ("MODEL",)}, output=True)
def Info(self, model):
    return show(_darkroom.model_info(model))


def patched(kind, function, **options):
    @node({"model": ("MODEL",)}, ("MODEL",))
    def go(self, model):
        return (make_handle("MODEL", _darkroom.model_patch(model, kind, function, options)),)
    return go


def attention(q, k, v, options):
    heads = options["n_heads"]
    q, k, v = (t.view(t.shape[0], t.shape[1], heads, -1).transpose(1, 2) for t in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2).flatten(2)


def fails(n, context, value, options):
    raise KeyError("a patch of a pack")


PATCHES = {
    "Guidance": patched("sampler_cfg_function", lambda args: args["uncond"] + (args["cond"] - args["uncond"]) * args["cond_scale"]),
    "Before": patched("sampler_pre_cfg_function", lambda args: [one.clone() for one in args["conds_out"]]),
    "After": patched("sampler_post_cfg_function", lambda args: args["denoised"]),
    "Doubled": patched("sampler_post_cfg_function", lambda args: args["denoised"] * 2),
    "Wrapper": patched("unet_wrapper", lambda apply, args: apply(args["input"], args["timestep"], **args["c"])),
    "Attention1": patched("attn1_patch", lambda n, context, value, options: (n, context, value)),
    "Attention2": patched("attn2_patch", lambda n, context, value, options: (n, context, value)),
    "Output1": patched("attn1_output_patch", lambda n, options: n),
    "Output2": patched("attn2_output_patch", lambda n, options: n),
    "Replace1": patched("attn1_replace", attention, block="input", number=1),
    "Replace2": patched("attn2_replace", attention, block="output", number=3, transformer_index=0),
    "Input": patched("input_block_patch", lambda h, options: h),
    "AfterSkip": patched("input_block_patch_after_skip", lambda h, options: h),
    "Output": patched("output_block_patch", lambda h, hsp, options: (h, hsp)),
    "Zeroed": patched("output_block_patch", lambda h, hsp, options: (h * 0, hsp)),
    "Fails": patched("attn1_patch", fails),
}


@node({"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",), "cfg": ("FLOAT", {})}, ("GUIDER",))
def Guider(self, model, positive, negative, cfg):
    def guide(predict, x, sigma):
        cond, uncond = predict(0, x, sigma), predict(1, x, sigma)
        return uncond + (cond - uncond) * cfg
    return (Handle(_darkroom.python_guider(model, [positive, negative], guide)),)


@node({"seed": ("INT", {})}, ("NOISE",))
def Noise(self, seed):
    def make(latent):
        return torch.randn(latent["samples"].shape, generator=torch.manual_seed(seed))
    return (Handle(_darkroom.python_noise(make, seed)),)


@node({}, ("SAMPLER",))
def Euler(self):
    def euler(model, x, sigmas):
        for now, then in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
            denoised = model(x, now)
            x = x + (x - denoised) / now * (then - now)
        return x
    return (Handle(_darkroom.python_sampler(euler)),)


@node({"guider": ("GUIDER",), "noise": ("NOISE",), "sampler": ("SAMPLER",), "sigmas": ("SIGMAS",), "latent": ("LATENT",)}, ("LATENT", "INT"))
def Sample(self, guider, noise, sampler, sigmas, latent):
    steps = []
    made = _darkroom.noise_generate(noise, latent)
    out = _darkroom.guider_sample(current.number(), guider, made, latent["samples"], sampler, sigmas, None, lambda step, denoised, x, total: steps.append((step, total)), _darkroom.noise_seed(noise))
    return ({"samples": out}, len(steps))


@node({"model": ("MODEL",), "positive": ("CONDITIONING",), "latent": ("LATENT",)}, output=True)
def Predict(self, model, positive, latent):
    x = torch.randn(latent["samples"].shape, generator=torch.manual_seed(1))
    once = _darkroom.model_predict(current.number(), model, x, 3.0, positive)
    return show([list(once.shape), bool(torch.isfinite(once).all()), float((once - x).abs().max()) > 0])


NODE_CLASS_MAPPINGS = {"Engine" + name: value for name, value in {**globals(), **PATCHES}.items() if isinstance(value, type) and hasattr(value, "FUNCTION")}


class TellsByCaller(TakesAll):
    """Says of every name that it takes it, but only to a function that looks up one."""

    @classmethod
    def INPUT_TYPES(cls):
        caller = sys._getframe(2).f_code.co_name
        return {"required": {}, "optional": Every() if caller == "get_input_info" else {"b": ("INT", {})}}


NODE_CLASS_MAPPINGS["EngineTellsByCaller"] = TellsByCaller


@node({"value": ("INT", {})}, ("*",), True)
def Queue(self, value):
    running, pending = PromptServer.instance.prompt_queue.get_current_queue()
    return show([[entry[2][next(iter(entry[2]))]["class_type"] for entry in running], len(pending), PromptServer.instance.prompt_queue.get_tasks_remaining()])


@node({}, ("*",), True)
def Flags(self):
    from comfy.cli_args import args
    return show([args.port, args.listen, PromptServer.instance.port, args.disable_metadata, args.lowvram])


@node({"prompt": ("STRING", {})}, output=True)
def History(self, prompt):
    queue = PromptServer.instance.prompt_queue
    told = queue.get_history(prompt_id=prompt)
    return show([list(told), told[prompt]["outputs"], prompt in queue.get_history() and list(queue.get_history(max_items=1))[0] != ""])


@node({}, output=True)
def Running(self):
    instance = PromptServer.instance
    return show([instance.client_id, instance.last_prompt_id, instance.last_node_id])


@node({}, ("*",), True)
def Around2(self):
    graph = GraphBuilder()
    inner = graph.node("EngineRunning")
    return {"result": (inner.out(0),), "expand": graph.finalize()}


OWN = [[torch.zeros(2), {"mask": "a name"}]]


@node({}, ("MYLIST",))
def OwnType(self):
    return (OWN,)


@node({"value": ("MYLIST",)}, output=True)
def ShowOwn(self, value):
    return show([type(value).__name__, value[0][1]["mask"], value is OWN])


@node({"model": ("MODEL",)}, ("MODEL",))
def CancelsLater(self, model):
    import threading
    import nodes

    threading.Timer(1.0, nodes.interrupt_processing).start()
    return (model,)


NODE_CLASS_MAPPINGS |= {"Engine" + one.__name__: one for one in (Queue, Flags, History, Running, Around2, OwnType, ShowOwn, CancelsLater)}


@node({"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",), "latent": ("LATENT",)}, output=True)
def Leak(self, model, positive, negative, latent):
    """Guiders, samplers and patches of Python go when nobody uses them."""
    import gc
    import weakref

    import comfy.sample
    import comfy.samplers

    class Mine(comfy.samplers.CFGGuider):
        def predict_noise(self, x, timestep, model_options={}, seed=None):
            return super().predict_noise(x, timestep, model_options, seed)

    def euler(model, x, sigmas, extra_args=None, callback=None, disable=None):
        return x

    seen = []
    for _ in range(3):
        guider, sampler, patched = Mine(model), comfy.samplers.KSAMPLER(euler), model.clone()
        patched.set_model_sampler_post_cfg_function(lambda args, patched=patched: args["denoised"])
        guider.set_conds(positive, negative)
        guider.set_cfg(2.0)
        sigmas = torch.tensor([3.0, 1.0, 0.0])
        guider.sample(torch.zeros_like(latent["samples"]), latent["samples"], sampler, sigmas)
        comfy.samplers.CFGGuider(patched).model_options
        assert patched.capsule is not None and guider.capsule is not None
        seen += [weakref.ref(guider), weakref.ref(sampler), weakref.ref(patched)]
        del guider, sampler, patched
    gc.collect()
    return show([one() is None for one in seen])


@node({"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",), "latent": ("LATENT",)}, ("LATENT",))
def Optioned(self, model, positive, negative, latent):
    """model_options that are given to a sampler count."""
    import comfy.samplers

    patched = model.clone()
    patched.set_model_sampler_post_cfg_function(lambda args: args["denoised"] * 2)
    noise = torch.zeros_like(latent["samples"])
    sigmas = torch.tensor([3.0, 1.0, 0.0])
    guider = comfy.samplers.CFGGuider(model)
    guider.model_options = patched.model_options
    guider.set_conds(positive, negative)
    guider.set_cfg(2.0)
    by_guider = guider.sample(noise, latent["samples"], comfy.samplers.sampler_object("euler"), sigmas)
    by_function = comfy.samplers.sample(model, noise, positive, negative, 2.0, None, comfy.samplers.sampler_object("euler"), sigmas, model_options=patched.model_options, latent_image=latent["samples"])
    by_patcher = comfy.samplers.sample(patched, noise, positive, negative, 2.0, None, comfy.samplers.sampler_object("euler"), sigmas, latent_image=latent["samples"])
    plain = comfy.samplers.sample(model, noise, positive, negative, 2.0, None, comfy.samplers.sampler_object("euler"), sigmas, latent_image=latent["samples"])
    assert torch.equal(by_guider, by_patcher) and torch.equal(by_function, by_patcher) and not torch.equal(plain, by_patcher)
    return ({"samples": by_guider},)


NODE_CLASS_MAPPINGS |= {"EngineLeak": Leak, "EngineOptioned": Optioned}
