#pragma once
// What a worker computes on, and how exactly. Nodes ask for it (Context::device()); nothing of libtorch is named here.

#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

enum class Precision { kFloat32, kBFloat16, kFloat16 };
std::string_view name_of(Precision precision);  ///< "fp32", "bf16", "fp16"

struct Device {
  std::optional<int> gpu;      ///< index of the CUDA device; nothing: the processor
  std::string name = "cpu";    ///< "cpu", "cuda:0 NVIDIA A10"
  Precision precision = Precision::kFloat32;  ///< of networks
};

/// The device with this index, after libtorch's CUDA library has been loaded; the processor, with a line in the log that says why, when
/// that can't be done.
Device open_device(std::optional<int> gpu);

/// What --precision means on a device: `auto` is fp16 on a GPU, bf16 on a processor that multiplies it in hardware (AMX, AVX-512), else fp32,
/// which is then faster. `fp16` on a processor is fp32: no processor computes networks in it.
Precision precision_for(const Device& device, std::string_view setting);

}  // namespace darkroom
