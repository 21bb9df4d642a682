#include "worker/device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <sstream>

#include "base/gpus.hpp"
#include "base/log.hpp"
#include "tensor/cuda.hpp"

namespace darkroom {
namespace {

bool processor_has(std::initializer_list<std::string_view> any) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("flags")) continue;
    std::istringstream flags(line);
    for (std::string flag; flags >> flag;)
      if (std::ranges::find(any, flag) != any.end()) return true;
    return false;
  }
  return false;
}

}  // namespace

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::kBFloat16: return "bf16";
    case Precision::kFloat16: return "fp16";
    default: return "fp32";
  }
}

Device open_device(std::optional<int> gpu) {
  if (!gpu) return {};
  if (const std::string fault = load_cuda(*gpu); !fault.empty()) {
    log::warn("GPU {} is left alone, the processor computes: {}", *gpu, fault);
    return {};
  }
  const auto names = nvidia_gpus();
  const auto place = static_cast<std::size_t>(*gpu);
  return {.gpu = gpu, .name = fmt::format("cuda:{}{}", *gpu, place < names.size() ? " " + names[place] : "")};
}

Device with_precision(Device device, std::string_view setting) {
  using enum Precision;
  const auto both = [&](Precision networks, Precision convolutions) { device.precision = networks, device.convolution_precision = convolutions; };
  if (setting == "bf16") both(kBFloat16, kBFloat16);
  else if (device.gpu && (setting == "fp16" || setting == "auto")) both(kFloat16, kFloat16);
  else if (setting == "auto" && processor_has({"amx_bf16", "avx512_bf16"})) both(kBFloat16, processor_has({"amx_bf16"}) ? kBFloat16 : kFloat32);
  else both(kFloat32, kFloat32);
  return device;
}

}  // namespace darkroom
