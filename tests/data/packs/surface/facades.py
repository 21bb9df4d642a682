"""Functions of comfy.* beside the native nodes that do the same: numbers that have to be equal."""
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
import folder_paths
import nodes
import torch

from .checks import Scene, check, difference, message


class Mixed(comfy.samplers.CFGGuider):
    """Guides in Python."""

    asked = 0

    def predict_noise(self, x, timestep, model_options={}, seed=None):
        self.asked += 1
        return super().predict_noise(x, timestep, model_options, seed)


class Noise:
    seed = 7

    def generate_noise(self, latent):
        return comfy.sample.prepare_noise(latent["samples"], self.seed)


@check
def common_ksampler_advanced():
    """A part of the steps, noise left in."""
    scene = Scene()
    ours, = nodes.common_ksampler(scene.model, 7, 4, 5.0, "euler", "normal", scene.positive, scene.negative, scene.latent, start_step=1, last_step=3, force_full_denoise=False)
    theirs, = nodes.KSamplerAdvanced().sample(scene.model, "enable", 7, 4, 5.0, "euler", "normal", scene.positive, scene.negative, scene.latent, 1, 3, "enable")
    return difference(ours["samples"], theirs["samples"])


@check
def common_ksampler_denoise():
    scene = Scene()
    latent = {"samples": scene.sampled()}
    ours, = nodes.common_ksampler(scene.model, 3, 3, 5.0, "uni_pc", "karras", scene.positive, scene.negative, latent, denoise=0.6)
    theirs, = nodes.KSampler().sample(scene.model, 3, 3, 5.0, "uni_pc", "karras", scene.positive, scene.negative, latent, denoise=0.6)
    return difference(ours["samples"], theirs["samples"])


@check
def sample_custom_with_callback():
    scene = Scene()
    sigmas = comfy.samplers.calculate_sigmas(scene.model.get_model_object("model_sampling"), "normal", 3)
    noise = comfy.sample.prepare_noise(scene.latent["samples"], 7)
    seen = []
    ours = comfy.sample.sample_custom(scene.model, noise, 4.0, comfy.samplers.sampler_object("euler"), sigmas, scene.positive, scene.negative, scene.latent["samples"],
                                      callback=lambda step, denoised, x, total: seen.append((step, list(denoised.shape), total)), seed=7)
    return [difference(ours, scene.sampled(steps=3)), seen]


@check
def guiders():
    """The class as it is, one that mixes in Python, and one that a native node runs."""
    scene = Scene()
    sigmas = comfy.samplers.calculate_sigmas(scene.model.get_model_object("model_sampling"), "normal", 2)
    noise = comfy.sample.prepare_noise(scene.latent["samples"], 7)
    found = []
    for kind in (comfy.samplers.CFGGuider, Mixed):
        guider = kind(scene.model)
        guider.set_conds(scene.positive, scene.negative)
        guider.set_cfg(4.0)
        found.append(difference(guider.sample(noise, scene.latent["samples"], comfy.samplers.sampler_object("euler"), sigmas, seed=7), scene.sampled()))
    found.append(guider.asked)
    mapping = nodes.NODE_CLASS_MAPPINGS
    by_node = mapping["SamplerCustomAdvanced"].execute(mapping["RandomNoise"].execute(7)[0], guider, comfy.samplers.sampler_object("euler"), sigmas, scene.latent)
    return [*found, difference(by_node[0]["samples"], scene.sampled())]


@check
def made_by_names_of_extra_modules():
    from comfy_extras.nodes_custom_sampler import Guider_Basic, Noise_EmptyNoise, Noise_RandomNoise
    from comfy_extras.nodes_mask import composite

    scene = Scene()
    mapping = nodes.NODE_CLASS_MAPPINGS
    sigmas = mapping["BasicScheduler"].execute(scene.model, "normal", 2, 1.0)[0]
    basic = Guider_Basic(scene.model)
    basic.set_conds(scene.positive)
    euler, native_guider = comfy.samplers.sampler_object("euler"), mapping["BasicGuider"].execute(scene.model, scene.positive)[0]
    by_node = mapping["SamplerCustomAdvanced"].execute(mapping["RandomNoise"].execute(7)[0], native_guider, euler, sigmas, scene.latent)[0]["samples"]
    ours = basic.sample(Noise_RandomNoise(7).generate_noise(scene.latent), scene.latent["samples"], euler, sigmas, seed=7)
    picture = composite(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 4, 4), 2, 2, multiplier=1)
    latent = composite(torch.zeros(1, 4, 8, 8), torch.ones(1, 4, 4, 4), 16, 16)
    return [difference(ours, by_node), float(Noise_EmptyNoise().generate_noise(scene.latent).abs().max()), float(picture.sum()), float(latent.sum())]


@check
def sampler_in_python():
    from comfy.k_diffusion.sampling import sample_euler

    scene = Scene()
    sigmas = comfy.samplers.calculate_sigmas(scene.model.get_model_object("model_sampling"), "normal", 3)
    noise = comfy.sample.prepare_noise(scene.latent["samples"], 7)
    ours = comfy.sample.sample_custom(scene.model, noise, 4.0, comfy.samplers.KSAMPLER(sample_euler), sigmas, scene.positive, scene.negative, scene.latent["samples"], seed=7)
    return difference(ours, scene.sampled(steps=3))


@check
def noise_in_python():
    scene = Scene()
    mapping = nodes.NODE_CLASS_MAPPINGS
    guider = mapping["CFGGuider"].execute(scene.model, scene.positive, scene.negative, 4.0)[0]
    sigmas = mapping["BasicScheduler"].execute(scene.model, "normal", 2, 1.0)[0]
    made = mapping["SamplerCustomAdvanced"].execute(Noise(), guider, comfy.samplers.sampler_object("euler"), sigmas, scene.latent)
    native = mapping["RandomNoise"].execute(7)[0]
    return [difference(made[0]["samples"], scene.sampled()), native.seed, difference(native.generate_noise(scene.latent), Noise().generate_noise(scene.latent))]


@check
def vae_and_clip():
    scene = Scene(96, 80)
    latent = scene.sampled()
    image = scene.vae.decode(latent)
    tokens = scene.clip.tokenize("a (red:1.2) cat")
    theirs = nodes.CLIPTextEncode().encode(scene.clip, "a (red:1.2) cat")[0][0]
    cond, pooled = scene.clip.encode_from_tokens(tokens, return_pooled=True)
    skipped = scene.clip.clone()
    skipped.clip_layer(-2)
    by_node = nodes.CLIPTextEncode().encode(nodes.CLIPSetLastLayer().set_last_layer(scene.clip, -2)[0], "cat")[0][0][0]
    return {"decode": difference(image, nodes.VAEDecode().decode(scene.vae, {"samples": latent})[0]), "shape": list(image.shape),
            "encode": difference(scene.vae.encode(image), nodes.VAEEncode().encode(scene.vae, image)[0]["samples"]),
            "tiled": difference(scene.vae.decode_tiled(latent, tile_x=8, tile_y=8, overlap=2), nodes.VAEDecodeTiled().decode(scene.vae, {"samples": latent}, 64, 16)[0]),
            "encode_tiled": list(scene.vae.encode_tiled(image, tile_x=64, tile_y=64, overlap=16).shape),
            "facts": [scene.vae.latent_channels, scene.vae.downscale_ratio, scene.vae.spacial_compression_decode()],
            "tokens": [sorted(tokens), len(tokens["l"][0]), tokens["l"][0][2][1]], "cond": difference(cond, theirs[0]), "pooled": difference(pooled, theirs[1]["pooled_output"]),
            "layer": [difference(skipped.encode_from_tokens(skipped.tokenize("cat")), by_node), skipped.layer_idx, scene.clip.layer_idx]}


@check
def parts_of_a_text():
    """What ComfyUI's tokenizer says of the same texts is in the test."""
    scene = Scene()
    told = {}
    for text in ("a (red:1.2) cat", "photograph(red)cat, supercalifragilistic \\(x\\) ((deep))\nline", "(a) (b)", "a (b", "x embedding:emb_one, y", "()a", ""):
        ids = [number for _, _, number in scene.clip.tokenize(text, return_word_ids=True)["l"][0]]
        told[text] = ids[:max((i for i, number in enumerate(ids) if number), default=0) + 2]
    alone = scene.clip.cond_stage_model.clip_l.encode_token_weights(scene.clip.tokenize("a cat")["l"])
    return [told, difference(alone[0], scene.clip.encode("a cat"))]


@check
def loaders():
    scene = Scene()
    path = folder_paths.get_full_path("checkpoints", "tiny_sd15.safetensors")
    model, clip, vae, vision = comfy.sd.load_checkpoint_guess_config(path, output_vae=False)
    lora_path = folder_paths.get_full_path("loras", "lora_kohya.safetensors")
    lora = comfy.utils.load_torch_file(lora_path, safe_load=True)
    ours = comfy.sd.load_lora_for_models(scene.model, scene.clip, lora, 0.8, 0.6)
    theirs = nodes.LoraLoader().load_lora(scene.model, scene.clip, "lora_kohya.safetensors", 0.8, 0.6)
    patched = scene.model.clone()
    used = patched.add_patches(comfy.lora.load_lora(lora, {}), 0.8)
    return {"model": difference(scene.sampled(model), scene.sampled()), "absent": [vae, vision], "clip": type(clip).__name__,
            "lora": difference(scene.sampled(ours[0]), scene.sampled(theirs[0])), "changed": difference(scene.sampled(ours[0]), scene.sampled()) > 1e-3,
            "text": difference(nodes.CLIPTextEncode().encode(ours[1], "cat")[0][0][0], nodes.CLIPTextEncode().encode(theirs[1], "cat")[0][0][0]),
            "add_patches": [difference(scene.sampled(patched), scene.sampled(theirs[0])), len(used) > 0],
            "elsewhere": message(lambda: comfy.sd.load_checkpoint_guess_config("/nowhere/x.safetensors"))}


@check
def networks_that_enlarge():
    from comfy_extras.chainner_models import model_loading
    from comfy_extras.nodes_upscale_model import ImageUpscaleWithModel

    name = folder_paths.get_filename_list("upscale_models")[0]
    model = model_loading.load_state_dict(comfy.utils.load_torch_file(folder_paths.get_full_path("upscale_models", name))).eval().to("cpu")
    picture = torch.rand(1, 16, 24, 3, generator=torch.Generator().manual_seed(1))
    by_node = ImageUpscaleWithModel.execute(nodes.NODE_CLASS_MAPPINGS["UpscaleModelLoader"]().load_model(name)[0], picture)[0]
    return [difference(model(picture.movedim(-1, 1)).movedim(1, -1), by_node), by_node.shape[1] / 16 == model.scale]


@check
def control():
    scene = Scene()
    net = nodes.ControlNetLoader().load_controlnet("tiny_control_sd15.safetensors")[0]
    hint = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    theirs, = nodes.ControlNetApply().apply_controlnet(scene.positive, net, hint, 0.7)
    own = net.copy().set_cond_hint(hint.movedim(-1, 1), 0.7)
    ours = [[text, {**options, "control": own, "control_apply_to_uncond": True}] for text, options in scene.positive]
    return [difference(scene.sampled(positive=ours), scene.sampled(positive=theirs)), difference(scene.sampled(positive=ours), scene.sampled()) > 1e-3]


@check
def pictures():
    """Native classes of pictures, by their Python names; and one that saves elsewhere."""
    import os

    from comfy_api.latest import io, ui
    from comfy_extras.nodes_mask import MaskComposite

    class Elsewhere(nodes.SaveImage):
        def __init__(self):
            super().__init__()
            self.output_dir, self.type, self.prefix_append, self.compress_level = folder_paths.get_temp_directory(), "temp", "_mine", 1

    image = torch.rand(2, 12, 10, 3, generator=torch.Generator().manual_seed(1))
    scaled, = nodes.ImageScale().upscale(image, "bilinear", 20, 24, "disabled")
    saved = Elsewhere().save_images(image, "sur/face", {"1": {}}, {"workflow": {}})["ui"]["images"]
    own = nodes.SaveImage().save_images(image, "sur/face")["ui"]["images"]
    mask = MaskComposite.execute(torch.zeros(1, 4, 4), torch.ones(1, 2, 2), 1, 1, "add")[0]
    preview = ui.PreviewImage(image).as_dict()["images"]
    results = ui.ImageSaveHelper.save_images(image, "sur/helped", io.FolderType.output, None)
    there = all(os.path.exists(os.path.join(folder_paths.get_directory_by_type(one["type"]), one["subfolder"], one["filename"])) for one in [*saved, *own, *preview, *results])
    return {"scale": difference(scaled, comfy.utils.common_upscale(image.movedim(-1, 1), 20, 24, "bilinear", "disabled").movedim(1, -1)), "mask": float(mask.sum()),
            "saved": [[one["subfolder"], one["filename"], one["type"]] for one in saved], "own": [one["type"] for one in own], "there": there,
            "bislerp": list(comfy.utils.bislerp(torch.rand(1, 4, 6, 8), 16, 12).shape)}
