#include "diffusion/chance.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <algorithm>

namespace darkroom {

at::Tensor Chance::integers(std::int64_t end, at::IntArrayRef shape) {
  if (!generator_) {
    generator_ = at::detail::createCPUGenerator(seed_);
    std::int64_t draws = 1;
    if (batch_index_ && !batch_index_->empty()) {
      draws = *std::max_element(batch_index_->begin(), batch_index_->end()) + 1;
      noise_shape_.at(0) = 1;
    }
    for (std::int64_t i = 0; i < draws; ++i) at::randn(noise_shape_, *generator_, at::kFloat);
  }
  return at::randint(end, shape, *generator_, at::kLong);
}

}  // namespace darkroom
