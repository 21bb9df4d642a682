"""Cases of families that have no golden case: SDXL's refiner and its distilled relatives, SDXL that predicts v, SD2.x that predicts
noise, inpainting and editing variants (families/), watched as record_diffusion.py tells.

    python3 record_families.py http://127.0.0.1:8188 [GLOB...]
"""
import record_diffusion as watched
from record_diffusion import SD2, SD15, SDXL, case, main, node, sampled, scene

watched.CASES.clear()
REFINER = "seen_refiner.safetensors"
VAE = {"v": node("VAELoader", vae_name="tiny_vae.safetensors")}
PICTURE = {"i": node("LoadImage", image="ga_sq.png")}
MASK = {"j": node("LoadImage", image="ga_mask.png"), "k0": node("ImageToMask", image=("j", 0), channel="red")}


def unet(name):
    return {"u": node("UNETLoader", unet_name=f"seen_{name}.safetensors", weight_dtype="default")}


def advanced(model, positive, negative, latent, start, end, noise, leftover):
    return node("KSamplerAdvanced", model=model, positive=positive, negative=negative, latent_image=latent, add_noise=noise, noise_seed=7, steps=4, cfg=4.0,
                sampler_name="euler", scheduler="normal", start_at_step=start, end_at_step=end, return_with_leftover_noise=leftover)


def refined(text, score, width=512, height=768):
    return node("CLIPTextEncodeSDXLRefiner", clip=("m", 1), ascore=score, width=width, height=height, text=text)


REFINED = {"p": refined("a photo of a cat", 7.5), "n": refined("blurry", 2.0)}
case("families/refiner", "the refiner with plain texts", {**scene(REFINER), **sampled()}, ("k", 0), tags=("sdxl", "smoke"))
case("families/refiner_text", "the refiner with its own text node, a batch", {**scene(REFINER, batch=2), **REFINED, **sampled()}, ("k", 0), tags=("sdxl",))
case("families/refiner_handoff", "the base model's last steps done by the refiner",
     {**scene(REFINER), **REFINED, "b": node("CheckpointLoaderSimple", ckpt_name=SDXL), "bp": node("CLIPTextEncode", clip=("b", 1), text="a photo of a cat"),
      "bn": node("CLIPTextEncode", clip=("b", 1), text="blurry"), "k": advanced(("b", 0), ("bp", 0), ("bn", 0), ("l", 0), 0, 2, "enable", "enable"),
      "r": advanced(("m", 0), ("p", 0), ("n", 0), ("k", 0), 2, 10000, "disable", "disable")}, ("k", 0), ("r", 0), tags=("sdxl",))

for name, base in (("sd2_eps", SD2), ("ssd", SDXL), ("vega", SDXL), ("koala", SDXL)):
    case(f"families/{name}", f"{name}: the UNet alone, texts of another file", {**scene(base), **unet(name), **sampled(model=("u", 0))}, ("k", 0), tags=("unet", "smoke") if name == "koala" else ("unet",))
for name in ("sdxl_v", "sdxl_v_zero"):
    case(f"families/{name}", "SDXL that predicts v", {**scene(SDXL), "u": node("CheckpointLoaderSimple", ckpt_name=f"seen_{name}.safetensors"), **sampled(model=("u", 0))}, ("k", 0), tags=("sdxl",))

EDITED = node("InstructPixToPixConditioning", positive=("p", 0), negative=("n", 0), vae=("v", 0), pixels=("i", 0))
for name, base in (("sd15_pix2pix", SD15), ("sdxl_pix2pix", SDXL)):
    case(f"families/{name}", "edits by instruction", {**scene(base), **unet(name), **VAE, **PICTURE, "a": EDITED,
         **sampled(model=("u", 0), positive=("a", 0), negative=("a", 1), latent=("a", 2))}, ("k", 0), tags=("unet", "vae"))
    case(f"families/{name}_without", "the same model without a picture", {**scene(base), **unet(name), **sampled(model=("u", 0))}, ("k", 0), tags=("unet",))

INPAINTED = node("InpaintModelConditioning", positive=("p", 0), negative=("n", 0), vae=("v", 0), pixels=("i", 0), mask=("k0", 0), noise_mask=True)
for name, base in (("sd2_inpaint", SD2), ("sdxl_inpaint", SDXL)):
    case(f"families/{name}", "a model made for inpainting", {**scene(base), **unet(name), **VAE, **PICTURE, **MASK, "a": INPAINTED,
         **sampled(model=("u", 0), positive=("a", 0), negative=("a", 1), latent=("a", 2))}, ("k", 0), tags=("unet", "vae", "inpaint"))
    case(f"families/{name}_without", "the same model without a picture", {**scene(base), **unet(name), **sampled(model=("u", 0))}, ("k", 0), tags=("unet",))

if __name__ == "__main__":
    main()
