// One step of a UNet, over and over: `darkroom-bench-unet WEIGHTS.safetensors INPUTS.safetensors OUTPUT.safetensors [THREADS] [--bf16]`.
// Each line on standard input starts one run; its seconds of wall clock and of processor time and the peak of memory in MB come
// back as a line. The first output is written to OUTPUT. bench/unet_step.py drives it beside a peer, turn by turn.

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <fstream>
#include <iostream>
#include <string>

#include "diffusion/unet.hpp"
#include "tensor/safetensors.hpp"
#include "worker/memory.hpp"
#include "turns.hpp"

int main(int argc, char** argv) {
  using namespace darkroom;
  if (argc < 4) {
    std::cerr << "usage: darkroom-bench-unet WEIGHTS.safetensors INPUTS.safetensors OUTPUT.safetensors [THREADS] [--bf16]\n";
    return 2;
  }
  try {
    tune_allocator();
    if (argc > 4) at::set_num_threads(std::stoi(argv[4]));
    const bool bf16 = argc > 5 && std::string(argv[5]) == "--bf16";
    const c10::InferenceMode guard;
    const auto inputs = read_safetensors(argv[2]).tensors;
    const auto unet = [&] {
      const Weights weights(std::make_shared<const StateDict>(read_safetensors(argv[1]).tensors), "model.diffusion_model.");
      return UNet(weights, detect_unet(weights).value(), {.dtype = bf16 ? at::kBFloat16 : at::kFloat});
    }();
    UNetCall call;
    call.x = inputs.at("x"), call.timesteps = inputs.at("timesteps"), call.context = inputs.at("context");
    if (inputs.contains("y")) call.y = inputs.at("y");
    bool written = false;
    take_turns([&] {
      call.timesteps = call.timesteps.sub(1);  // as in a run, no step has the timestep of the one before
      const auto result = unet(call);
      if (!std::exchange(written, true)) std::ofstream(argv[3], std::ios::binary) << dump_safetensors({{"output", result}});
    });
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
