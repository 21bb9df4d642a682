#include "diffusion/timestep_embedding.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>

#include <cmath>

#include "tensor/concat.hpp"

namespace darkroom {

at::Tensor timestep_embedding(const at::Tensor& values, std::int64_t width) {
  const auto half = width / 2;
  // In float32 in this order: the frequencies' last bits show in the sines of timesteps near 1000.
  const auto frequencies = at::exp(at::arange(half, at::TensorOptions().dtype(at::kFloat).device(values.device())).mul(-std::log(10000.0)).div(static_cast<double>(half)));
  const auto angles = values.to(at::kFloat).unsqueeze(1).mul(frequencies.unsqueeze(0));
  const auto waves = concat({at::cos(angles), at::sin(angles)}, 1);
  return width % 2 ? at::constant_pad_nd(waves, {0, 1}) : waves;
}

}  // namespace darkroom
