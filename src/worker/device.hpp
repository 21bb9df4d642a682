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
  Precision precision = Precision::kFloat32;              ///< of networks
  Precision convolution_precision = Precision::kFloat32;  ///< of those that are 3x3 convolutions nearly all through: autoencoders, upscalers
};

/// The device with this index, after libtorch's CUDA library has been loaded; the processor, with a line in the log that says why, when
/// that can't be done.
Device open_device(std::optional<int> gpu);

/// The device with what --precision means on it: `auto` is fp16 on a GPU, bf16 on a processor that multiplies it in hardware (AMX, AVX-512),
/// else fp32, which is then faster; of convolutions our float32 is faster than bf16 without AMX as well (a decode of 512x512 on two cores of
/// Zen 4: 4.9 s and 6.2 s). `fp16` on a processor is fp32: no processor computes networks in it.
Device with_precision(Device device, std::string_view setting);

}  // namespace darkroom
