"""Numbers of Pillow 13.0 that imaging/ reproduces: run with the bootstrap's Python to write pillow.safetensors anew."""
import numpy as np
from PIL import Image
from safetensors.numpy import save_file

rng = np.random.default_rng(7)


def smooth(height, width, channels):
    """Gradients with some noise: edges for the kernels, many colours for the median cut."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (3 + c) + c) + 60 * np.cos(y / (2 + c)) + rng.normal(0, 12, (height, width)) for c in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


out = {}
for channels, mode in ((1, "L"), (3, "RGB"), (4, "RGBA")):
    source = smooth(23, 31, channels)
    out[f"source_{channels}"] = source
    image = Image.fromarray(source[..., 0] if channels == 1 else source, mode=None)
    for name, filter in (("lanczos", Image.LANCZOS), ("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        for width, height in ((17, 40), (64, 9), (31, 50), (12, 23)):
            resized = np.asarray(image.resize((width, height), filter)).reshape(height, width, channels)
            out[f"{name}_{channels}_{width}x{height}"] = resized
picture = smooth(40, 36, 3)
i = np.arange(300 * 290)
many = np.stack([i, i >> 8, i * 37], -1).astype(np.uint8).reshape(300, 290, 3)  # over 65536 distinct colours; not written
flat = np.repeat(np.array([[10, 20, 30], [200, 90, 5], [10, 20, 31]], np.uint8), 12, 0).reshape(6, 6, 3)
out |= {"quantize_picture": picture, "quantize_flat": flat}
for name, source in (("picture", picture), ("many", many), ("flat", flat)):
    for colors in (1, 2, 12, 50, 256):
        image = Image.fromarray(source)
        palette = image.quantize(colors=colors)
        count = len(palette.getpalette()) // 3
        out[f"palette_{name}_{colors}"] = np.array(palette.getpalette(), np.uint8).reshape(count, 3)
        if name == "many":
            continue
        for dither in ("none", "floyd"):
            mapped = image.quantize(colors=colors, palette=palette, dither=Image.Dither.NONE if dither == "none" else Image.Dither.FLOYDSTEINBERG)
            out[f"mapped_{name}_{colors}_{dither}"] = np.asarray(mapped.convert("RGB"))
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, __file__.replace("make.py", "pillow.safetensors"))
