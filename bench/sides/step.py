"""One network again and again, as bench/turns.hpp asks for it: a line in starts a run, a line out has its seconds and the memory.

usage: step.py torch|openvino unet|decode CHECKPOINT INPUTS OUTPUT THREADS fp32|bf16 [IR.xml]
       step.py convert unet|decode CHECKPOINT INPUTS IR.xml

IR.xml: where the converted network of OpenVINO is kept for the next time. It is converted in a process of its own: that takes the weights in
float32 and in float16, which must be gone before the network is compiled, and is not what a run takes.
"""
import os
import resource
import subprocess
import sys
import time
import warnings

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from networks import Decoder, UNet


def weights_of(path, prefix):
    with safe_open(path, "pt") as file:
        return {name[len(prefix):]: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}


def build(what, checkpoint, dtype):
    if what == "unet":
        return UNet(weights_of(checkpoint, "model.diffusion_model."), dtype)
    return Decoder(weights_of(checkpoint, "first_stage_model."), dtype)


def arguments_of(what, given):
    return [given[name] for name in (("x", "timesteps", "context", "y") if what == "unet" else ("latent",)) if name in given]


def torch_side(what, checkpoint, given, dtype):
    network = build(what, checkpoint, dtype)

    def run():
        with torch.inference_mode():
            return network(*arguments_of(what, given))
    return run


def convert(what, checkpoint, inputs, path):
    import openvino as ov

    network, example = build(what, checkpoint, torch.float32), tuple(arguments_of(what, load_file(inputs)))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, about its own age
        model = ov.convert_model(network, example_input=example, input=[tuple(tensor.shape) for tensor in example])
    ov.save_model(model, path, compress_to_fp16=True)  # the checkpoint's own precision


def openvino_side(what, given, precision, threads, path):
    import numpy
    import openvino as ov

    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision], "PERFORMANCE_HINT": "LATENCY"})
    compiled = core.compile_model(path, "CPU")
    request = compiled.create_infer_request()

    def run():
        result = request.infer([tensor.numpy() for tensor in arguments_of(what, given)])
        return torch.from_numpy(numpy.array(result[0], dtype=numpy.float32))
    return run


def main():
    if sys.argv[1] == "convert":
        return convert(*sys.argv[2:])
    kind, what, checkpoint, inputs, output, threads, precision, *rest = sys.argv[1:]
    torch.set_num_threads(int(threads))
    given = load_file(inputs)
    if kind == "torch":
        run = torch_side(what, checkpoint, given, {"fp32": torch.float32, "bf16": torch.bfloat16}[precision])
    else:
        if not os.path.exists(rest[0]):
            subprocess.run([sys.executable, __file__, "convert", what, checkpoint, inputs, rest[0]], check=True, stdout=sys.stderr)
        run = openvino_side(what, given, precision, int(threads), rest[0])
    print("ready", flush=True)
    written = False
    for _ in sys.stdin:
        given["timesteps"] = given["timesteps"] - 1  # as in a run, no step has the timestep of the one before
        wall, cpu = time.perf_counter(), time.process_time()
        result = run()
        print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
        if not written:
            save_file({"output": result}, output)
            written = True


if __name__ == "__main__":
    main()
