#include "worker/device.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "base/gpus.hpp"
#include "base/log.hpp"
#include "tensor/cuda.hpp"

namespace darkroom {
namespace {

bool processor_has_bf16() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("flags")) continue;
    std::istringstream flags(line);
    for (std::string flag; flags >> flag;)
      if (flag == "amx_bf16" || flag == "avx512_bf16") return true;
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

Precision precision_for(const Device& device, std::string_view setting) {
  if (setting == "bf16") return Precision::kBFloat16;
  if (setting == "fp16" && device.gpu) return Precision::kFloat16;
  if (setting == "auto" && device.gpu) return Precision::kFloat16;
  if (setting == "auto" && processor_has_bf16()) return Precision::kBFloat16;
  return Precision::kFloat32;
}

}  // namespace darkroom
