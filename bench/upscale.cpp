// One network on one picture, over and over: `darkroom-bench-upscale MODEL HEIGHT WIDTH [THREADS] [--bf16]`.
// Each line on standard input starts one run; its seconds of wall clock and of processor time come back as a line.
// bench/upscale.py drives it beside a peer, turn by turn.

#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <string>

#include "restore/tiling.hpp"
#include "restore/upscaler.hpp"

namespace {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

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
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
      const auto start = std::chrono::steady_clock::now();
      const double cpu = processor_seconds();
      const auto result = upscale_tiled(*network, image, {}, [](auto, auto) {}, [] {});
      const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      std::cout << wall.count() << ' ' << processor_seconds() - cpu << ' ' << usage.ru_maxrss / 1024 << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
