"""Models that packs change."""
import nodes
import torch

from .checks import Scene, check, difference, message


@check
def functions_around_guidance():
    scene = Scene()
    plain = scene.sampled()
    seen = {}

    def after(args):
        seen["post"] = sorted(args)
        return args["denoised"]

    def instead(args):
        seen["cfg"] = sorted(args)
        return args["uncond"] + (args["cond"] - args["uncond"]) * args["cond_scale"]

    same = scene.model.clone()
    same.set_model_sampler_post_cfg_function(after)
    guided = scene.model.clone()
    guided.set_model_sampler_cfg_function(instead)
    other = guided.clone()
    other.set_model_sampler_post_cfg_function(lambda args: args["denoised"] * 0.5)
    return {"post": difference(scene.sampled(same), plain), "cfg": difference(scene.sampled(guided), plain), "changed": difference(scene.sampled(other), plain) > 1e-3,
            "left": difference(scene.sampled(scene.model), plain), "seen": seen, "clone": [same.is_clone(scene.model), other.is_clone(guided), scene.model.is_clone(nodes)]}


@check
def attention():
    from comfy.ldm.modules.attention import optimized_attention

    scene = Scene()
    plain = scene.sampled()
    counts = {"attn1": 0, "output": 0, "replaced": 0}

    def before(n, context, value, options):
        counts["attn1"] += 1
        return n, context, value

    def after(n, options):
        counts["output"] += 1
        return n

    def replaced(q, k, v, options):
        counts["replaced"] += 1
        return optimized_attention(q, k, v, options["n_heads"])

    model = scene.model.clone()
    model.set_model_attn1_patch(before)
    model.set_model_attn2_output_patch(after)
    model.set_model_attn2_replace(replaced, "middle", 0)
    wrapped = scene.model.clone()
    wrapped.set_model_unet_function_wrapper(lambda apply, args: apply(args["input"], args["timestep"], **args["c"]))
    same, around = difference(scene.sampled(model), plain), difference(scene.sampled(wrapped), plain)
    return {"same": same, "called": [count > 0 for count in counts.values()], "wrapper": around}


@check
def what_a_model_tells():
    import comfy.model_base
    import comfy.model_patcher

    scene = Scene()
    model = scene.model
    sampling = model.get_model_object("model_sampling")
    return {"class": isinstance(model, comfy.model_patcher.ModelPatcher), "flux": isinstance(model.model, comfy.model_base.Flux), "base": isinstance(model.model, comfy.model_base.BaseModel),
            "channels": model.get_model_object("latent_format").latent_channels, "scale": model.model.latent_format.scale_factor, "sigmas": [float(sampling.sigma_min), float(sampling.sigma_max)],
            "timestep": sampling.timestep(torch.tensor([1.0, 3.0])).tolist(), "percent": [sampling.percent_to_sigma(0), sampling.percent_to_sigma(0.3), sampling.percent_to_sigma(1)],
            "config": model.model.model_config.unet_config["context_dim"], "dtype": str(model.model.get_dtype()), "device": str(model.load_device)}


@check
def what_can_not_be_changed():
    scene = Scene()
    patched = scene.model.clone()
    patched.add_object_patch("model_sampling", object())
    return [message(lambda: scene.sampled(patched)), message(lambda: scene.model.clone().add_wrapper_with_key("a", "b", None)), message(lambda: scene.model.model.diffusion_model(1)),
            message(lambda: scene.model.no_such_method())]


@check
def module_of_a_pack():
    """ModelPatcher around a torch module."""
    import comfy.model_management
    import comfy.model_patcher

    patcher = comfy.model_patcher.ModelPatcher(torch.nn.Linear(2, 3), load_device=comfy.model_management.get_torch_device(), offload_device=comfy.model_management.unet_offload_device())
    comfy.model_management.load_model_gpu(patcher)
    return [list(patcher.model(torch.ones(1, 2)).shape), patcher.model_size(), patcher.clone().is_clone(patcher)]
