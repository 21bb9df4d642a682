#include "diffusion/control.hpp"

#include <ATen/ops/_upsample_nearest_exact2d.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/control_net.hpp"
#include "diffusion/unet_names.hpp"

namespace darkroom {
namespace {

constexpr const char* kPrefix = "control_model.";

/// The tensors below ldm's names, whatever names the file has.
Weights with_ldm_names(const std::shared_ptr<const StateDict>& tensors) {
  if (const Weights prefixed(tensors, kPrefix); prefixed.has("input_hint_block.0.weight")) return prefixed;
  if (const Weights bare(tensors); bare.has("input_hint_block.0.weight")) return bare;
  if (tensors->contains("controlnet_cond_embedding.conv_in.weight")) return Weights(std::make_shared<const StateDict>(ldm_names(*tensors)));
  throw InvalidInput("the file holds no ControlNet: neither input_hint_block.0.weight nor controlnet_cond_embedding.conv_in.weight is in it");
}

UNetConfig config_of(const Weights& weights) {
  if (const auto config = detect_controlnet(weights)) return *config;
  throw InvalidInput("the ControlNet is incomplete: it has no tensor " + weights.prefix() + "input_blocks.0.0.weight");
}

/// Bytes of the weights in the precision that they are packed for.
std::size_t expected_bytes(const Weights& weights, const Compute& compute) {
  std::size_t elements = 0;
  for (auto it = weights.tensors().lower_bound(weights.prefix()); it != weights.tensors().end() && it->first.starts_with(weights.prefix()); ++it)
    elements += static_cast<std::size_t>(it->second.numel());
  return elements * c10::elementSize(compute.dtype);
}

void add_scaled(at::Tensor& sum, const at::Tensor& addend, double strength) {
  if (!addend.defined()) return;
  if (sum.defined()) sum = sum.add(addend, strength);
  else sum = strength == 1 ? addend : addend.mul(strength);
}

}  // namespace

ControlModel::ControlModel(const std::shared_ptr<const StateDict>& tensors, const Compute& compute)
    : weights_(with_ldm_names(tensors)), config_(config_of(weights_)), compute_(compute),
      packed_(compute_.budget, expected_bytes(weights_, compute_), [this] { return std::make_shared<const ControlNet>(weights_, config_, compute_); }) {}

std::optional<ControlResiduals> control_residuals(const ControlLink* last, const UNetCall& call, const ModelSampling& sampling, double sigma, std::int64_t parts) {
  std::optional<ControlResiduals> sum;
  for (const auto* link = last; link; link = link->previous.get()) {
    if (link->strength == 0 || !link->active(sampling, sigma)) continue;
    const auto network = link->model->acquire();
    const auto own = (*network)(call, link->hint, parts);
    if (!sum) sum.emplace();
    if (sum->skips.size() < own.skips.size()) sum->skips.resize(own.skips.size());
    for (std::size_t i = 0; i < own.skips.size(); ++i) add_scaled(sum->skips[i], own.skips[i], link->strength);
    add_scaled(sum->middle, own.middle, link->strength);
  }
  return sum;
}

at::Tensor resized_hint(const at::Tensor& hint, std::int64_t height, std::int64_t width) {
  if (hint.dim() != 4 || hint.numel() == 0) throw InvalidInput("ControlNet: a hint of shape " + shape_text(hint) + ", pictures [B,3,H,W] were expected");
  const auto h = hint.size(2), w = hint.size(3);
  const double old_aspect = static_cast<double>(w) / static_cast<double>(h), new_aspect = static_cast<double>(width) / static_cast<double>(height);
  const auto margin = [](std::int64_t size, double ratio) { return static_cast<std::int64_t>(std::nearbyint((static_cast<double>(size) - static_cast<double>(size) * ratio) / 2)); };
  auto middle = hint;
  if (old_aspect > new_aspect) {
    const auto x = margin(w, new_aspect / old_aspect);
    middle = hint.narrow(3, x, w - 2 * x);
  } else if (old_aspect < new_aspect) {
    const auto y = margin(h, old_aspect / new_aspect);
    middle = hint.narrow(2, y, h - 2 * y);
  }
  return at::_upsample_nearest_exact2d(middle, {height, width});
}

}  // namespace darkroom
