#include "diffusion/frequencies.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/fft_fftn.h>
#include <ATen/ops/fft_fftshift.h>
#include <ATen/ops/fft_ifftn.h>
#include <ATen/ops/fft_ifftshift.h>
#include <ATen/ops/full.h>
#include <ATen/ops/real.h>

#include <algorithm>
#include <array>

namespace darkroom {

at::Tensor scale_frequencies(const at::Tensor& planes, std::int64_t cutoff, double low, double high) {
  constexpr std::array<std::int64_t, 2> kPlane{-2, -1};
  const auto spectrum = at::fft_fftshift(at::fft_fftn(planes.to(at::kFloat), std::nullopt, kPlane), kPlane);
  const auto height = planes.size(2), width = planes.size(3), row = height / 2, column = width / 2;
  const auto top = std::max<std::int64_t>(0, row - cutoff), left = std::max<std::int64_t>(0, column - cutoff);
  auto scale = at::full({height, width}, high, planes.options().dtype(at::kFloat));
  scale.narrow(0, top, std::min(height, row + cutoff) - top).narrow(1, left, std::min(width, column + cutoff) - left).fill_(low);
  return at::real(at::fft_ifftn(at::fft_ifftshift(spectrum * scale, kPlane), std::nullopt, kPlane)).to(planes.scalar_type());
}

}  // namespace darkroom
