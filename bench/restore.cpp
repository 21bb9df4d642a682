// One restoration network on photographs in turn, over and over:
// `darkroom-bench-restore upscale|denoise|colors|photo MODEL PHOTOS.safetensors RESULTS THREADS fp32|bf16|auto`.
// Each line on standard input starts one run; its seconds of wall clock and of processor time and the peak of memory in MB come back as a
// line. PHOTOS holds tensors "0", "1"...; the first result of each is written to RESULTS/0.safetensors and so on. bench/restore.py drives
// it beside peers, turn by turn, and says what goes in and comes out.

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "restore/ddcolor/colorize.hpp"
#include "restore/denoise.hpp"
#include "restore/tiling.hpp"
#include "restore/upscaler.hpp"
#include "tensor/safetensors.hpp"
#include "turns.hpp"
#include "worker/device.hpp"
#include "worker/memory.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kSide = 512;  // of DDColor's square, the nodes' default
constexpr double kNoise = 15;        // 8-bit steps, of FFDNet

using Run = std::function<at::Tensor(const at::Tensor& photo)>;

Compute compute_in(Precision precision) { return {.dtype = precision == Precision::kBFloat16 ? at::kBFloat16 : at::kFloat}; }

/// Packs the network as the server does.
Run open(const std::string& kind, const std::string& model, const Device& device) {
  if (kind == "upscale") {
    auto network = std::shared_ptr<const Upscaler>(make_upscaler(read_upscaler(model), compute_in(device.convolution_precision)));
    return [network](const at::Tensor& photo) {
      return upscale_tiled(
                 *network, photo.unsqueeze(0), {}, [](auto, auto) {}, [] {})
          .squeeze(0);
    };
  }
  if (kind == "denoise") {
    auto network = std::make_shared<const FfdNet>(read_denoiser(model), compute_in(device.convolution_precision));
    return [network](const at::Tensor& photo) {
      return denoise(
                 *network, photo.unsqueeze(0), kNoise, 1, [](auto, auto) {}, [] {})
          .squeeze(0);
    };
  }
  auto network =
      std::make_shared<const DDColor>(read_ddcolor(model), compute_in(device.precision), compute_in(device.convolution_precision));
  if (kind == "colors") return [network](const at::Tensor& grey) { return (*network)(grey, [](auto, auto) {}); };
  if (kind == "photo") return [network](const at::Tensor& photo) { return colorize(*network, photo, kSide, [](auto, auto) {}); };
  throw std::invalid_argument("unknown kind " + kind);
}

}  // namespace
}  // namespace darkroom

int main(int argc, char** argv) {
  using namespace darkroom;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() != 6) {
    std::cerr << "usage: darkroom-bench-restore upscale|denoise|colors|photo MODEL PHOTOS.safetensors RESULTS THREADS fp32|bf16|auto\n";
    return 2;
  }
  try {
    tune_allocator();
    at::set_num_threads(std::stoi(arguments[4]));
    const c10::InferenceMode guard;
    const auto photos = read_safetensors(arguments[2]).tensors;
    const std::filesystem::path results = arguments[3];
    const auto run = open(arguments[0], arguments[1], with_precision({}, arguments[5]));
    std::size_t number = 0;
    at::Tensor result;
    take_turns([&] { result = run(photos.at(std::to_string(number % photos.size()))); },
               [&] {
                 if (number < photos.size())
                   std::ofstream(results / (std::to_string(number) + ".safetensors"), std::ios::binary)
                       << dump_safetensors({{"result", result.contiguous()}});
                 ++number;
               });
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
