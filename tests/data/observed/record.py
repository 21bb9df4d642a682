"""Cases that were watched on the reference server (ComfyUI 0.8.0) because no golden case or document settles them.

    python3 record.py http://127.0.0.1:8188      # writes cases/<id>/ anew: workflow.json, case.json, image.<node>.<n>.png

They have the form of the golden cases, and nodes_tests runs both.  Only inputs of golden/inputs and inputs/ are used.
Needs Pillow and numpy.
"""
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import compare  # noqa: E402

CASES = {}


def load(name):
    return {"class_type": "LoadImage", "inputs": {"image": name}}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def case(name, title, nodes, *outputs):
    """`outputs`: links of images to save."""
    workflow = dict(nodes)
    for i, link in enumerate(outputs):
        workflow[f"s{i}"] = node("SaveImage", images=list(link), filename_prefix=f"observed/{name}")
    CASES[name] = (title, workflow)


PAIR = {"a": load("ga_odd.png"), "b": load("ga_wide.png")}
ALPHA = {"p": load("ga_rgba.png"), "pa": node("JoinImageWithAlpha", image=["p", 0], alpha=["p", 1])}
BATCH = {"b1": load("ga_anim.gif"), "b2": node("ImageFromBatch", image=["b1", 0], batch_index=0, length=2)}

for direction, match, spacing, color in (("right", False, 5, "green"), ("left", True, 0, "white"), ("up", False, 1, "red"), ("down", True, 7, "black")):
    case(f"stitch_{direction}", "ImageStitch: other directions, sizes and odd spacings",
         {**PAIR, "c": node("ImageStitch", image1=["a", 0], image2=["b", 0], direction=direction, match_image_size=match, spacing_width=spacing, spacing_color=color)}, ("c", 0))
case("stitch_alpha", "ImageStitch: one picture with alpha, padded", {**PAIR, **ALPHA, "c": node("ImageStitch", image1=["pa", 0], image2=["b", 0], direction="right", match_image_size=False, spacing_width=4, spacing_color="blue")}, ("c", 0))
case("stitch_padding", "ImageStitch: padding is white beside a white bar, also with alpha", {**PAIR, **ALPHA, "c": node("ImageStitch", image1=["pa", 0], image2=["a", 0], direction="down", match_image_size=False, spacing_width=0, spacing_color="white")}, ("c", 0))
case("stitch_opaque", "ImageStitch: the padding of the picture without alpha is opaque", {**PAIR, **ALPHA, "c": node("ImageStitch", image1=["pa", 0], image2=["a", 0], direction="up", match_image_size=False, spacing_width=6, spacing_color="black")}, ("c", 0))
case("stitch_batch", "ImageStitch: the shorter batch repeats its last picture", {**BATCH, "c": node("ImageStitch", image1=["b1", 0], image2=["b2", 0], direction="down", match_image_size=True, spacing_width=0, spacing_color="white")}, ("c", 0))
case("stitch_one", "ImageStitch without a second picture", {**PAIR, "c": node("ImageStitch", image1=["a", 0], direction="right", match_image_size=True, spacing_width=8, spacing_color="white")}, ("c", 0))

RULES = {
    "multiplier": {"resize_type": "scale by multiplier", "resize_type.multiplier": 1.37},
    "dimensions": {"resize_type": "scale dimensions", "resize_type.width": 33, "resize_type.height": 50, "resize_type.crop": "center"},
    "dimensions_w0": {"resize_type": "scale dimensions", "resize_type.width": 0, "resize_type.height": 31, "resize_type.crop": "disabled"},
    "longer": {"resize_type": "scale longer dimension", "resize_type.longer_size": 57},
    "shorter": {"resize_type": "scale shorter dimension", "resize_type.shorter_size": 29},
    "width": {"resize_type": "scale width", "resize_type.width": 41},
    "height": {"resize_type": "scale height", "resize_type.height": 75},
    "pixels": {"resize_type": "scale total pixels", "resize_type.megapixels": 0.01},
    "match": {"resize_type": "match size", "resize_type.match": ["b", 0], "resize_type.crop": "center"},
}
for (name, rule), method in zip(RULES.items(), ("area", "lanczos", "bilinear", "bicubic", "nearest-exact", "lanczos", "area", "bilinear", "bicubic")):
    case(f"resize_{name}", "ResizeImageMaskNode", {**PAIR, "c": node("ResizeImageMaskNode", input=["a", 0], scale_method=method, **rule)}, ("c", 0))
case("resize_mask", "ResizeImageMaskNode on a mask, to the size of an image",
     {**PAIR, "p": load("ga_rgba.png"), "c": node("ResizeImageMaskNode", input=["p", 1], scale_method="bilinear", **RULES["match"]), "d": node("MaskToImage", mask=["c", 0])}, ("d", 0))
for method in ("area", "lanczos", "nearest-exact"):
    case(f"resizepad_{method}", "ResizeAndPadImage", {**PAIR, "c": node("ResizeAndPadImage", image=["a", 0], target_width=70, target_height=45, padding_color="white", interpolation=method)}, ("c", 0))
case("resizepad_alpha", "ResizeAndPadImage with alpha", {**ALPHA, "c": node("ResizeAndPadImage", image=["pa", 0], target_width=30, target_height=60, padding_color="black", interpolation="bilinear")}, ("c", 0))
case("scale_alpha_lanczos", "lanczos weighs colours by alpha", {**ALPHA, "c": node("ImageScale", image=["pa", 0], upscale_method="lanczos", width=37, height=91, crop="disabled")}, ("c", 0))
case("scale_columns_first", "lanczos where the height shrinks much more", {**PAIR, "c": node("ImageScale", image=["a", 0], upscale_method="lanczos", width=120, height=20, crop="disabled")}, ("c", 0))
case("maxdim_tall", "ImageScaleToMaxDimension of a tall picture", {**PAIR, "r": node("ImageRotate", image=["b", 0], rotation="90 degrees"), "c": node("ImageScaleToMaxDimension", image=["r", 0], upscale_method="bicubic", largest_size=77)}, ("c", 0))

case("batch_channels", "ImageBatch: RGB becomes RGBA beside RGBA", {**PAIR, **ALPHA, "c": node("ImageBatch", image1=["a", 0], image2=["pa", 0])}, ("c", 0))
case("batch_many", "BatchImagesNode: three sizes", {**PAIR, "p": load("ga_sq.png"), "c": node("BatchImagesNode", **{"images.image0": ["a", 0], "images.image1": ["b", 0], "images.image2": ["p", 0]})}, ("c", 0))
case("blend_sizes", "ImageBlend: the second picture takes the first one's size", {**PAIR, "c": node("ImageBlend", image1=["a", 0], image2=["b", 0], blend_factor=0.35, blend_mode="soft_light")}, ("c", 0))
case("blend_alpha_second", "ImageBlend: alpha of the second picture is dropped", {**PAIR, **ALPHA, "c": node("ImageBlend", image1=["a", 0], image2=["pa", 0], blend_factor=0.8, blend_mode="overlay")}, ("c", 0))
case("blend_batch", "ImageBlend: a batch and one picture", {**PAIR, **BATCH, "c": node("ImageBlend", image1=["b1", 0], image2=["a", 0], blend_factor=0.5, blend_mode="screen")}, ("c", 0))
case("composite_batch", "ImageCompositeMasked: the source's batch repeats", {**BATCH, "d": node("RepeatImageBatch", image=["b1", 0], amount=2), "c": node("ImageCompositeMasked", destination=["d", 0], source=["b2", 0], x=9, y=4, resize_source=False)}, ("c", 0))
case("composite_alpha", "ImageCompositeMasked: alpha of the source is dropped", {**PAIR, **ALPHA, "c": node("ImageCompositeMasked", destination=["b", 0], source=["pa", 0], x=9, y=4, resize_source=False)}, ("c", 0))

for operation, size in (("open", 4), ("close", 5), ("top_hat", 3), ("bottom_hat", 8), ("dilate", 6), ("erode", 6), ("gradient", 99)):
    case(f"morphology_{operation}", "Morphology: other operations, even and large squares", {**PAIR, "c": node("Morphology", image=["a", 0], operation=operation, kernel_size=size)}, ("c", 0))
for low, high in ((0.05, 0.9), (0.4, 0.8), (0.3, 0.3)):
    case(f"canny_{low}_{high}", "Canny: other thresholds", {**PAIR, "c": node("Canny", image=["b", 0], low_threshold=low, high_threshold=high)}, ("c", 0))
case("yuv_planes", "ImageRGBToYUV: its planes", {**PAIR, "c": node("ImageRGBToYUV", image=["a", 0])}, ("c", 0), ("c", 1), ("c", 2))
for colors, dither in ((2, "floyd-steinberg"), (64, "floyd-steinberg"), (256, "none"), (1, "none"), (5, "bayer-16"), (200, "bayer-4")):
    case(f"quantize_{colors}_{dither}", "ImageQuantize: other counts", {**PAIR, "c": node("ImageQuantize", image=["b", 0], colors=colors, dither=dither)}, ("c", 0))
case("blur_wide", "ImageBlur: a wide kernel", {**PAIR, "c": node("ImageBlur", image=["a", 0], blur_radius=24, sigma=3.3)}, ("c", 0))
case("sharpen_strong", "ImageSharpen: a strong one", {**PAIR, "c": node("ImageSharpen", image=["a", 0], sharpen_radius=5, sigma=2.0, alpha=2.5)}, ("c", 0))
case("addnoise_seed", "ImageAddNoise: the largest seed, a batch", {**BATCH, "c": node("ImageAddNoise", image=["b1", 0], seed=2**64 - 1, strength=0.6)}, ("c", 0))
case("pad_alpha", "ImagePadForOutpaint with alpha", {**ALPHA, "c": node("ImagePadForOutpaint", image=["pa", 0], left=8, top=0, right=16, bottom=0, feathering=10), "m": node("MaskToImage", mask=["c", 1])}, ("c", 0), ("m", 0))
case("crop_outside", "ImageCrop: a corner outside", {**PAIR, "c": node("ImageCrop", image=["a", 0], width=20, height=300, x=5000, y=7)}, ("c", 0))

for name in sorted(os.listdir(os.path.join(HERE, "inputs"))):
    case("load_" + name.replace(".", "_"), "LoadImage of " + name, {"a": load(name), "m": node("MaskToImage", mask=["a", 1])}, ("a", 0), ("m", 0))


def main():
    server = compare.Server(sys.argv[1], 120)
    for folder in (os.path.join(HERE, "..", "golden", "inputs"), os.path.join(HERE, "inputs")):
        for name in os.listdir(folder):
            if not name.endswith(".latent"):
                server.upload(os.path.join(folder, name))
    shutil.rmtree(os.path.join(HERE, "cases"), ignore_errors=True)
    for name, (title, workflow) in CASES.items():
        try:
            got = compare.fetch(server, server.run(workflow))
        except Exception as error:  # noqa: BLE001 - the case tells us so
            print(name, "FAILS:", error)
            continue
        folder = os.path.join(HERE, "cases", name)
        compare.save_outputs(folder, got)
        tolerance = {"image": {"max_level": 0, "frac_off": 0.0} if "quantize" in name or "load" in name else {"max_level": 1, "frac_off": 0.005}}
        facts = {"id": name, "title": title, "tags": ["image_op"], "models": [], "tolerance": tolerance}
        for file, data in (("workflow.json", workflow), ("case.json", facts)):
            with open(os.path.join(folder, file), "w") as out:
                json.dump(data, out, indent=1)
                out.write("\n")
        print(name, {k: v.shape for k, v in got.items()})


if __name__ == "__main__":
    main()
