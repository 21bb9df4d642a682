#include "diffusion/hypernetwork.hpp"

#include <ATen/ops/elu.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>

#include <charconv>

#include "base/error.hpp"

namespace darkroom {
namespace {

using Kind = PickleValue::Kind;

bool flag(const PickleValue& root, std::string_view name) {
  const auto* value = root.find(name);
  return value && (value->kind == Kind::kBool || value->kind == Kind::kInt) && value->integer != 0;
}

/// The place of "linear.12.weight" in its row; old files count "linear1.weight", "linear2.weight".
std::optional<std::int64_t> place_of(std::string_view name) {
  constexpr std::string_view kLinear = "linear", kWeight = ".weight";
  if (!name.starts_with(kLinear) || !name.ends_with(kWeight)) return std::nullopt;
  name = name.substr(kLinear.size(), name.size() - kLinear.size() - kWeight.size());
  if (name.starts_with(".")) name.remove_prefix(1);
  std::int64_t place = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), place);
  return fault == std::errc() && end == name.data() + name.size() ? std::optional(place) : std::nullopt;
}

}  // namespace

Hypernetwork::Activation Hypernetwork::activation_of(const std::string& name) {
  static const std::map<std::string, Activation> kNames = {{"linear", Activation::kLinear}, {"relu", Activation::kRelu}, {"leakyrelu", Activation::kLeakyRelu}, {"elu", Activation::kElu},
                                                           {"swish", Activation::kSwish}, {"tanh", Activation::kTanh}, {"sigmoid", Activation::kSigmoid}, {"softsign", Activation::kSoftsign}, {"mish", Activation::kMish}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) throw InvalidInput("the hypernetwork has an activation that is not known: '" + name + "'");
  return found->second;
}

Hypernetwork::Hypernetwork(const TorchFile& file, const Compute& compute) {
  const auto& root = file.root();
  if (root.kind != Kind::kDict) throw InvalidInput("the file holds no hypernetwork");
  if (const auto* name = root.find("activation_func"); name && name->kind == Kind::kText) activation_ = activation_of(name->text);
  const bool normed = flag(root, "is_layer_norm"), activate_output = flag(root, "activate_output");
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const auto &key = *root.items[i], &networks = *root.items[i + 1];
    if (key.kind != Kind::kInt || (networks.kind != Kind::kList && networks.kind != Kind::kTuple)) continue;
    if (networks.items.size() < 2) throw InvalidInput("the hypernetwork has " + std::to_string(networks.items.size()) + " of two networks for the width " + std::to_string(key.integer));
    Pair pair{read_chain(file, *networks.items[0], normed, activate_output, compute), read_chain(file, *networks.items[1], normed, activate_output, compute)};
    for (const auto* chain : {&pair.keys, &pair.values})
      if (chain->front().linear.in() != key.integer || chain->back().linear.out() != key.integer)
        throw InvalidInput("the hypernetwork's layers for the width " + std::to_string(key.integer) + " lead from " + std::to_string(chain->front().linear.in()) + " to " + std::to_string(chain->back().linear.out()));
    pairs_.insert_or_assign(key.integer, std::move(pair));
  }
  if (pairs_.empty()) throw InvalidInput("the file holds no hypernetwork");
}

Hypernetwork::Chain Hypernetwork::read_chain(const TorchFile& file, const PickleValue& tensors, bool normed, bool activate_output, const Compute& compute) const {
  auto named = std::make_shared<StateDict>();
  std::map<std::int64_t, std::string> order;
  for (std::size_t i = 0; tensors.kind == Kind::kDict && i + 1 < tensors.items.size(); i += 2) {
    const auto &key = *tensors.items[i], &value = *tensors.items[i + 1];
    if (key.kind != Kind::kText || value.kind != Kind::kTensor) continue;
    named->insert_or_assign(key.text, file.tensor(value));
    if (const auto place = place_of(key.text)) order[*place] = key.text.substr(0, key.text.size() - std::string_view("weight").size());
  }
  const Weights weights(std::move(named));
  Chain chain;
  for (auto it = order.begin(); it != order.end(); ++it) {
    // A file with norms counts the last linear layer as one of the middle, so that it is activated as well.
    const bool last = std::next(it) == order.end();
    chain.push_back({Linear(weights.below(it->second), compute), activation_ != Activation::kLinear && (!last || activate_output), std::nullopt});
    if (chain.size() > 1 && chain[chain.size() - 2].linear.out() != chain.back().linear.in()) throw InvalidInput("the hypernetwork's layers are of different widths");
    if (!normed) continue;
    if (++it == order.end()) throw InvalidInput("the hypernetwork misses the norm behind its last layer");
    chain.back().norm.emplace(weights.below(it->second), compute);
  }
  if (chain.empty()) throw InvalidInput("the hypernetwork has an empty network");
  return chain;
}

at::Tensor Hypernetwork::run(const Chain& chain, at::Tensor x) const {
  for (const auto& step : chain) {
    x = step.linear(x);
    if (step.activated) {
      switch (activation_) {
        case Activation::kLinear: break;
        case Activation::kRelu: x = at::relu(x); break;
        case Activation::kLeakyRelu: x = at::leaky_relu(x); break;
        case Activation::kElu: x = at::elu(x); break;
        case Activation::kSwish: x = at::hardswish(x); break;  // the web UI means this one
        case Activation::kTanh: x = at::tanh(x); break;
        case Activation::kSigmoid: x = at::sigmoid(x); break;
        case Activation::kMish: x = at::mish(x); break;
        case Activation::kSoftsign: x = x.div(x.abs().add(1)); break;
      }
    }
    if (step.norm) x = (*step.norm)(x);
  }
  return x;
}

void Hypernetwork::apply(AttentionSources& sources, double strength) const {
  const auto shifted = [&](const at::Tensor& source, Chain Pair::*chain) {
    const auto pair = pairs_.find(source.size(-1));
    return pair == pairs_.end() ? source : source.add(run(pair->second.*chain, source), strength);
  };
  sources.keys = shifted(sources.keys, &Pair::keys);
  sources.values = shifted(sources.values, &Pair::values);
}

std::size_t Hypernetwork::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [width, pair] : pairs_)
    for (const auto* chain : {&pair.keys, &pair.values})
      for (const auto& step : *chain) bytes += step.linear.bytes() + (step.norm ? step.norm->bytes() : 0);
  return bytes;
}

}  // namespace darkroom
