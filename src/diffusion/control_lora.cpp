#include "diffusion/control_lora.hpp"

#include <ATen/ops/matmul.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kMark = "lora_controlnet", kUp = ".up", kDown = ".down", kWeight = ".weight";

/// The tensor's matrix: the outputs, and everything else.
at::Tensor matrix(const at::Tensor& tensor) { return tensor.to(at::kFloat).reshape({tensor.size(0), -1}); }

}  // namespace

bool is_control_lora(const StateDict& tensors) { return tensors.contains(kMark); }

Weights control_lora_weights(const std::shared_ptr<const StateDict>& tensors, const Network& model) {
  auto joined = std::make_shared<StateDict>();
  // The blocks that both have: the model's; their weights are changed below, their biases and norms mostly stand in the file.
  const auto& base = model.weights();
  for (const std::string part : {"input_blocks.", "middle_block.", "time_embed.", "label_emb."})
    base.below(part).each([&](const std::string& name, const at::Tensor& tensor) { joined->emplace(part + name, tensor); });
  for (const auto& [name, tensor] : *tensors) {
    if (name.ends_with(kDown) || name == kMark) continue;
    if (!name.ends_with(kUp)) {
      joined->insert_or_assign(name, tensor);
      continue;
    }
    const auto layer = name.substr(0, name.size() - kUp.size());
    const auto down = tensors->find(layer + std::string(kDown));
    const auto weight = joined->find(layer + std::string(kWeight));
    if (down == tensors->end()) throw InvalidInput("the control LoRA is incomplete: it has no tensor " + layer + std::string(kDown));
    if (weight == joined->end()) throw InvalidInput("the control LoRA does not fit the model, which has no " + layer + std::string(kWeight));
    const auto &w = weight->second, &u = tensor, &d = down->second;
    if (u.dim() < 2 || d.dim() < 2 || u.size(1) != d.size(0) || u.size(0) != w.size(0) || u.numel() != u.size(0) * u.size(1) || d.numel() * w.size(0) != w.numel() * d.size(0))
      throw InvalidInput("the control LoRA does not fit the model: " + layer + ".up " + shape_text(u) + ", .down " + shape_text(d) + " for a weight of shape " + shape_text(w));
  }
  return Weights(std::move(joined), {}, [tensors, base](const std::string& name, const at::Tensor& weight) {
    if (tensors->contains(name) || !base.has(name)) return weight;
    const auto own = base.get(name);
    if (!name.ends_with(kWeight)) return own;
    const auto layer = name.substr(0, name.size() - kWeight.size());
    const auto up = tensors->find(layer + std::string(kUp));
    if (up == tensors->end()) return own;
    return own.to(at::kFloat) + at::matmul(matrix(up->second), matrix(tensors->at(layer + std::string(kDown)))).reshape(own.sizes());
  });
}

}  // namespace darkroom
