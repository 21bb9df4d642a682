"""The peers of bench/restore.py: one restoration network on photographs in turn, over and over, as bench/restore.cpp does it.

usage: restorers.py torch|ncnn upscale|denoise|colors|photo MODEL PHOTOS.safetensors RESULTS THREADS fp32|bf16

torch: by spandrel, and what it does not know (SRMD, waifu2x's UpConv7, FFDNet) as a careful user would write it; all of it in channels-last memory.
ncnn: a pair of files by ncnn's own runtime, float32.
"""
import os
import pathlib
import resource
import sys
import tempfile
import time
import warnings

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/data/restore"))
import ncnn_to_torch  # noqa: E402

warnings.filterwarnings("ignore", category=FutureWarning)  # torch's, about what spandrel calls

SIDE = 512                        # of DDColor's square
NOISE = 15 / 255                  # of FFDNet
UPCONV7_BORDER, SRMD_BORDER = 7, 12
# What SRMD is told: "shrunk by bicubic interpolation", the first 15 principal components of that kernel, and noise of 3 steps of 255.
SRMD_PLANES = (-1.12360956e-08, -1.36899159e-08, 1.85637958e-02, 2.86066886e-08, 3.35292965e-02, 8.37272935e-08, -2.54424009e-07, -3.16234976e-02, -1.35169253e-02,
               -1.10466090e-08, 3.84753793e-02, 3.79465739e-08, -2.44916752e-01, -8.02213490e-01, -5.40549755e-01, 3 / 255)


def binary_of(param):
    """animevideov3 for 2x and 3x has the weights of 4x: one file serves."""
    path = param[:-6] + ".bin"
    return path if os.path.exists(path) else path.replace("-x2.", "-x4.").replace("-x3.", "-x4.")


# ---- PyTorch. Networks take and give [1,C,H,W] of the precision.

def plain_layers(layers, dtype):
    import torch

    def weights(layer, transposed=False):
        weight = layer["weight"].transpose(1, 0, 2, 3) if transposed else layer["weight"]
        return torch.from_numpy(np.ascontiguousarray(weight)).to(dtype).contiguous(memory_format=torch.channels_last), torch.from_numpy(layer["bias"]).to(dtype)

    return [weights(layer) for layer in layers if layer["kind"] == "Convolution"], [weights(layer, True) for layer in layers if layer["kind"] == "Deconvolution"]


def upconv7(layers, dtype):
    import torch.nn.functional as F
    convs, (last,) = plain_layers(layers, dtype)

    def run(x):
        y = F.pad(x, (UPCONV7_BORDER,) * 4, mode="replicate")
        for weight, bias in convs:
            y = F.leaky_relu_(F.conv2d(y, weight, bias), 0.1)
        return F.conv_transpose2d(y, *last, stride=2, padding=3)
    return run


def srmd(layers, dtype):
    import torch
    import torch.nn.functional as F
    convs, _ = plain_layers(layers, dtype)
    told = torch.tensor(SRMD_PLANES).to(dtype).view(1, -1, 1, 1)

    def run(x):
        y = F.pad(x, (SRMD_BORDER,) * 4, mode="replicate")
        y = torch.cat([y, told.expand(-1, -1, *y.shape[2:])], 1).contiguous(memory_format=torch.channels_last)
        for weight, bias in convs[:-1]:
            y = F.relu_(F.conv2d(y, weight, bias, padding=1))
        y = F.conv2d(y, *convs[-1], padding=1)
        scale = round((y.shape[1] // 3) ** 0.5)
        return F.pixel_shuffle(y, scale)[..., SRMD_BORDER * scale:-SRMD_BORDER * scale, SRMD_BORDER * scale:-SRMD_BORDER * scale]
    return run


def spandrels(path, dtype):
    import spandrel_extra_arches
    import torch
    from spandrel import ModelLoader
    spandrel_extra_arches.install()
    network = ModelLoader().load_from_file(path).model.eval().to(dtype=dtype, memory_format=torch.channels_last)
    for module in network.modules():
        if type(module).__name__ == "PositionEmbeddingSine":  # computes in float32 whatever it is given
            module.register_forward_hook(lambda module, given, made: made.to(dtype))
    return network


def upscaler(path, dtype):
    import torch.nn.functional as F
    if not path.endswith(".param"):
        return spandrels(path, dtype)
    layers = ncnn_to_torch.read(path, binary_of(path))
    kinds = [layer["kind"] for layer in layers]
    if "Deconvolution" in kinds:
        return upconv7(layers, dtype)
    if "PReLU" not in kinds and "Eltwise" not in kinds:
        return srmd(layers, dtype)
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        from safetensors.numpy import save_file
        save_file(ncnn_to_torch.convert(path, binary_of(path))[0], file.name)
        network = spandrels(file.name, dtype)
    shrink = [layer["p"][1] for layer in layers if layer["kind"] == "Interp" and layer["p"][0] == 3]
    return (lambda x: F.interpolate(network(x), scale_factor=shrink[0], mode="bicubic")) if shrink else network


def ffdnet(path, dtype):
    import reference
    import torch
    state = torch.load(path)
    weights = {name: tensor.to(dtype).contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor.to(dtype) for name, tensor in state.items()}
    return lambda x: reference.ffdnet(weights, x, NOISE)


def of_picture(network, dtype):
    """[H,W,3] -> the same, larger or cleaner."""
    import torch
    return lambda photo: network(photo.permute(2, 0, 1).unsqueeze(0).to(dtype).contiguous(memory_format=torch.channels_last)).float().squeeze(0).permute(1, 2, 0)


def of_square(network, dtype):
    """[3,S,S] -> a and b [2,S,S]."""
    import torch
    return lambda grey: network(grey.unsqueeze(0).to(dtype).contiguous(memory_format=torch.channels_last)).float().squeeze(0)


def of_photo(network, dtype):
    """[H,W,3] -> the same with colours, by the steps of DDColor's own program."""
    import cv2
    import torch
    import torch.nn.functional as F
    square = of_square(network, dtype)

    def run(photo):
        photo = photo.numpy()
        lightness = cv2.cvtColor(photo, cv2.COLOR_RGB2Lab)[:, :, :1]
        small = cv2.cvtColor(cv2.resize(photo, (SIDE, SIDE)), cv2.COLOR_RGB2Lab)
        small[:, :, 1:] = 0
        grey = torch.from_numpy(cv2.cvtColor(small, cv2.COLOR_Lab2RGB)).permute(2, 0, 1)
        ab = F.interpolate(square(grey).unsqueeze(0), size=photo.shape[:2]).squeeze(0).permute(1, 2, 0).numpy()
        return torch.from_numpy(cv2.cvtColor(np.concatenate([lightness, ab], 2), cv2.COLOR_Lab2RGB))
    return run


def by_torch(kind, path, precision, threads):
    import torch
    torch.set_num_threads(threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    if kind == "photo":
        import cv2
        cv2.setNumThreads(threads)
    network = {"upscale": upscaler, "denoise": ffdnet, "colors": spandrels, "photo": spandrels}[kind](path, dtype)
    run = {"upscale": of_picture, "denoise": of_picture, "colors": of_square, "photo": of_photo}[kind](network, dtype)
    return torch.inference_mode()(lambda photo: run(torch.from_numpy(photo)).numpy())


# ---- ncnn

def by_ncnn(kind, param, precision, threads):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.load_param(param)
    net.load_model(binary_of(param))
    layers = ncnn_to_torch.parse_param(param)
    first, last = layers[0]["outs"][0], layers[-1]["outs"][0]
    convolution = next(layer["p"] for layer in layers if layer["kind"] == "Convolution")
    told = convolution[6] // (convolution[0] * convolution[1] ** 2) - 3
    border = SRMD_BORDER if told else UPCONV7_BORDER if convolution.get(4, 0) == 0 else 0

    def run(photo):
        pixels = np.pad(photo, ((border, border), (border, border), (0, 0)), mode="edge").transpose(2, 0, 1)
        pixels = np.ascontiguousarray(np.concatenate([pixels, *(np.full((1, *pixels.shape[1:]), value, np.float32) for value in SRMD_PLANES[:told])]))
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(pixels))  # which does not keep its array alive
        made = extractor.extract(last)[1]
        result = np.array(made).transpose(1, 2, 0)
        cut = border * result.shape[0] // pixels.shape[1] if told else 0
        return result[cut:result.shape[0] - cut, cut:result.shape[1] - cut]
    return run


def main():
    runtime, kind, path, photos, results, threads, precision = sys.argv[1:]
    from safetensors.numpy import load_file, save_file
    photos = load_file(photos)
    run = {"torch": by_torch, "ncnn": by_ncnn}[runtime](kind, path, precision, int(threads))
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        photo = photos[str(number % len(photos))]
        wall, cpu = time.perf_counter(), time.process_time()
        result = run(photo)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if number < len(photos):
            save_file({"result": np.ascontiguousarray(result)}, pathlib.Path(results) / f"{number}.safetensors")
        print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)


if __name__ == "__main__":
    main()
