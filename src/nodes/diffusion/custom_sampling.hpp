#pragma once
// SAMPLER, NOISE and SIGMAS: the values that the custom-sampling nodes hand on.

#include <vector>

#include "diffusion/noise.hpp"
#include "diffusion/sampler.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {

using SamplerValue = Held<Sampler>;
using NoiseValue = Held<NoiseSource>;

template <>
std::string SamplerValue::describe() const;
template <>
std::size_t SamplerValue::bytes() const;
template <>
std::string NoiseValue::describe() const;
template <>
std::size_t NoiseValue::bytes() const;

Value sampler_value(Sampler sampler);
/// float32 [n], falling; read back by sigmas_of (sampling_run.hpp).
Value sigmas_value(const std::vector<float>& sigmas);

}  // namespace darkroom
