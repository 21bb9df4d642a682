#pragma once
// The GPUs of the machine, read from the kernel driver's own files: no library is loaded for it.

#include <filesystem>
#include <string>
#include <vector>

namespace darkroom {

/// Names of the NVIDIA GPUs that the kernel's driver knows ("NVIDIA A10"), from `root`/*/information, in the order of their bus, which is
/// that of CUDA with CUDA_DEVICE_ORDER=PCI_BUS_ID.
std::vector<std::string> nvidia_gpus(const std::filesystem::path& root = "/proc/driver/nvidia/gpus");

}  // namespace darkroom
