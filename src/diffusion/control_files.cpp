// Which control a file holds, and the weights that it computes with.

#include <list>
#include <mutex>

#include "base/error.hpp"
#include "diffusion/control.hpp"
#include "diffusion/control_lora.hpp"
#include "diffusion/control_net.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/t2i_adapter.hpp"
#include "diffusion/unet_names.hpp"

namespace darkroom {
namespace {

constexpr const char* kPrefix = "control_model.";
constexpr const char* kDifference = "difference";  ///< a tensor whose name says that the weights are differences to a model's

/// The tensors below ldm's names, whatever names the file has.
Weights with_ldm_names(const std::shared_ptr<const StateDict>& tensors) {
  if (const Weights prefixed(tensors, kPrefix); prefixed.has("input_hint_block.0.weight")) return prefixed;
  if (const Weights bare(tensors); bare.has("input_hint_block.0.weight")) return bare;
  if (tensors->contains("controlnet_cond_embedding.conv_in.weight")) return Weights(std::make_shared<const StateDict>(ldm_names(*tensors)));
  throw InvalidInput("the file holds no ControlNet, control LoRA or T2I-Adapter: neither input_hint_block.0.weight nor controlnet_cond_embedding.conv_in.weight "
                     "nor the layers of an adapter are in it");
}

UNetConfig config_of(const Weights& weights) {
  if (const auto config = detect_controlnet(weights)) return *config;
  throw InvalidInput("the ControlNet is incomplete: it has no tensor " + weights.prefix() + "input_blocks.0.0.weight");
}

/// Bytes of the weights in the precision that they are packed for.
std::size_t expected_bytes(const Weights& weights, const Compute& compute) { return weights.elements() * c10::elementSize(compute.dtype); }

/// A control whose network depends on its own weights alone.
class PlainControl final : public ControlModel {
 public:
  PlainControl(std::string description, std::shared_ptr<ModelBudget> budget, std::size_t expected, std::function<std::shared_ptr<const ControlNetwork>()> pack)
      : description_(std::move(description)), packed_(std::move(budget), expected, std::move(pack)) {}
  std::shared_ptr<const ControlNetwork> acquire(const std::shared_ptr<const Network>&) const override { return packed_.acquire(); }
  std::size_t bytes() const override { return packed_.bytes(); }
  const std::string& description() const override { return description_; }

 private:
  std::string description_;
  Packed<ControlNetwork> packed_;
};

/// A control whose weights are made out of those of the model beside it: packed for each such model, as long as it lives.
class LoraControl final : public ControlModel {
 public:
  LoraControl(std::shared_ptr<const StateDict> tensors, Compute compute) : tensors_(std::move(tensors)), compute_(std::move(compute)) {}

  std::shared_ptr<const ControlNetwork> acquire(const std::shared_ptr<const Network>& model) const override {
    if (!model) throw InvalidInput("a control LoRA needs the model that it is used with");
    return packed_for(model)->acquire();
  }
  std::size_t bytes() const override {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = 0;
    for (const auto& known : known_) bytes += known.packed->bytes();
    return bytes;
  }
  const std::string& description() const override { return description_; }

 private:
  using PackedNetwork = Packed<ControlNetwork>;
  struct Known {
    std::weak_ptr<const Network> model;
    std::shared_ptr<const PackedNetwork> packed;
  };

  std::shared_ptr<const PackedNetwork> packed_for(const std::shared_ptr<const Network>& model) const {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [](const Known& known) { return known.model.expired(); });
    for (const auto& known : known_)
      if (known.model.lock() == model) return known.packed;
    const auto weights = control_lora_weights(tensors_, *model);
    const auto config = config_of(weights);
    auto packed = std::make_shared<const PackedNetwork>(compute_.budget, expected_bytes(weights, compute_), [weights, config, compute = compute_] { return std::make_shared<const ControlNet>(weights, config, compute); });
    known_.push_back({model, packed});
    return packed;
  }

  std::shared_ptr<const StateDict> tensors_;
  Compute compute_;
  std::string description_ = "control LoRA";
  mutable std::mutex mutex_;
  mutable std::list<Known> known_;
};

/// `weights` added to those of the same name of a model, where it has them; the sum is of the file's precision, as the reference has it.
Weights added_to(const Weights& weights, const std::shared_ptr<const Network>& base) {
  return weights.patched([base](const std::string& name, const at::Tensor& difference) {
    return base->weights().has(name) ? base->weights().get(name).to(difference.scalar_type()) + difference : difference;
  });
}

}  // namespace

std::shared_ptr<const ControlModel> load_control(const std::shared_ptr<const StateDict>& tensors, const Compute& compute, const std::shared_ptr<const Network>& base) {
  if (is_control_lora(*tensors)) return std::make_shared<LoraControl>(tensors, compute);
  if (const auto weights = adapter_weights(tensors)) {
    const auto shape = adapter_shape(*weights);
    return std::make_shared<PlainControl>("T2I-Adapter of " + std::to_string(shape.channels) + " channels", compute.budget, expected_bytes(*weights, compute),
                                          [weights = *weights, shape, compute] { return std::make_shared<const T2IAdapter>(weights, shape, compute); });
  }
  auto weights = with_ldm_names(tensors);
  const auto config = config_of(weights);
  if (base && tensors->contains(kDifference)) weights = added_to(weights, base);
  return std::make_shared<PlainControl>("ControlNet of " + std::to_string(config.model_channels) + " channels", compute.budget, expected_bytes(weights, compute),
                                        [weights, config, compute] { return std::make_shared<const ControlNet>(weights, config, compute); });
}

}  // namespace darkroom
