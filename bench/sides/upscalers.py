"""The peers of bench/upscale.py: one network on one picture, over and over, as bench/upscale.cpp does it.

usage: upscalers.py torch|ncnn MODEL HEIGHT WIDTH THREADS

torch: a .safetensors file by spandrel; an ncnn pair of a family that spandrel does not know (SRMD, waifu2x UpConv7) as a careful user would write it,
in channels-last memory. ncnn: a pair by ncnn's own runtime, float32.
"""
import os
import resource
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/data/restore"))
import ncnn_to_torch  # noqa: E402

SRMD_BORDER, SRMD_PLANES, UPCONV7_BORDER = 12, 19, 7


def plain_torch(param, height, width):
    """SRMD and UpConv7 with the border that their own programs repeat around a picture."""
    import torch
    import torch.nn.functional as F

    def weights(layer, transposed=False):
        weight = layer["weight"].transpose(1, 0, 2, 3) if transposed else layer["weight"]
        return torch.from_numpy(np.ascontiguousarray(weight)).contiguous(memory_format=torch.channels_last), torch.from_numpy(layer["bias"])

    layers = ncnn_to_torch.read(param, param[:-6] + ".bin")
    convs = [weights(layer) for layer in layers if layer["kind"] == "Convolution"]
    last = [weights(layer, True) for layer in layers if layer["kind"] == "Deconvolution"]
    x = torch.rand(1, height, width, 3).movedim(-1, -3)

    def upconv7():
        y = F.pad(x, (UPCONV7_BORDER,) * 4, mode="replicate")
        for weight, bias in convs:
            y = F.leaky_relu_(F.conv2d(y, weight, bias), 0.1)
        return F.conv_transpose2d(y, *last[0], stride=2, padding=3)

    def srmd():
        y = F.pad(x, (SRMD_BORDER,) * 4, mode="replicate")
        y = torch.cat([y, torch.full((1, SRMD_PLANES - 3, *y.shape[2:]), 0.01)], 1).contiguous(memory_format=torch.channels_last)
        for weight, bias in convs[:-1]:
            y = F.relu_(F.conv2d(y, weight, bias, padding=1))
        y = F.conv2d(y, *convs[-1], padding=1)
        scale = round((y.shape[1] // 3) ** 0.5)
        return F.pixel_shuffle(y, scale)[..., SRMD_BORDER * scale:-SRMD_BORDER * scale, SRMD_BORDER * scale:-SRMD_BORDER * scale]

    return upconv7 if last else srmd


def by_torch(path, height, width, threads):
    import torch
    torch.set_num_threads(threads)
    if path.endswith(".param"):
        network = plain_torch(path, height, width)
    else:
        from spandrel import ModelLoader
        model = ModelLoader().load_from_file(path).eval()
        x = torch.rand(1, height, width, 3).movedim(-1, -3)  # as the node hands it over
        network = lambda: model(x)  # noqa: E731

    def run():
        with torch.inference_mode():
            network()
    return run


def by_ncnn(param, height, width, threads):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.load_param(param)
    net.load_model(param[:-6] + ".bin")
    layers = ncnn_to_torch.parse_param(param)
    first, last = layers[0]["outs"][0], layers[-1]["outs"][0]
    convolution = next(layer["p"] for layer in layers if layer["kind"] == "Convolution")
    channels = convolution[6] // (convolution[0] * convolution[1] ** 2)
    border = SRMD_BORDER if channels == SRMD_PLANES else UPCONV7_BORDER if convolution.get(4, 0) == 0 else 0
    pixels = np.random.rand(channels, height + 2 * border, width + 2 * border).astype(np.float32)
    picture = ncnn.Mat(pixels).clone()  # a Mat alone does not keep its array alive

    def run():
        extractor = net.create_extractor()
        extractor.input(first, picture)
        extractor.extract(last)
    return run


def main():
    runtime, path, height, width, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    run = {"torch": by_torch, "ncnn": by_ncnn}[runtime](path, height, width, threads)
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)


if __name__ == "__main__":
    main()
