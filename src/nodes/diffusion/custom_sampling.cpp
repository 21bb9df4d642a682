#include "nodes/diffusion/custom_sampling.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/tensors.hpp"

namespace darkroom {

template <>
std::string SamplerValue::describe() const { return "<sampler " + held->name + ">"; }
template <>
std::size_t SamplerValue::bytes() const { return 0; }
template <>
std::string NoiseValue::describe() const { return "<noise of seed " + std::to_string(held->seed()) + ">"; }
template <>
std::size_t NoiseValue::bytes() const { return 0; }

Value sampler_value(Sampler sampler) { return held_value(std::make_shared<const Sampler>(std::move(sampler))); }

Value sigmas_value(const std::vector<float>& sigmas) {
  auto tensor = at::empty({static_cast<std::int64_t>(sigmas.size())}, at::kFloat);
  std::copy(sigmas.begin(), sigmas.end(), tensor.data_ptr<float>());
  return tensor_value(std::move(tensor));
}

}  // namespace darkroom
