// One network on one picture, over and over: `darkroom-bench-upscale MODEL HEIGHT WIDTH [THREADS] [--bf16]`.
// Each line on standard input starts one run; its seconds of wall clock and of processor time come back as a line.
// bench/upscale.py drives it beside a peer, turn by turn.

#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>

#include <iostream>
#include <string>

#include "restore/tiling.hpp"
#include "restore/upscaler.hpp"
#include "turns.hpp"

int main(int argc, char** argv) {
  using namespace darkroom;
  if (argc < 4) {
    std::cerr << "usage: darkroom-bench-upscale MODEL HEIGHT WIDTH [THREADS] [--bf16]\n";
    return 2;
  }
  try {
    if (argc > 4) at::set_num_threads(std::stoi(argv[4]));
    const bool bf16 = argc > 5 && std::string(argv[5]) == "--bf16";
    const c10::InferenceMode guard;
    const auto network = make_upscaler(read_upscaler(argv[1]), {.dtype = bf16 ? at::kBFloat16 : at::kFloat});
    const auto image = at::rand({1, std::stoll(argv[2]), std::stoll(argv[3]), 3});
    take_turns([&] { upscale_tiled(*network, image, {}, [](auto, auto) {}, [] {}); });
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
