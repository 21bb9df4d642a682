#pragma once
// Hypernetworks: small networks that shift what attention layers make keys and values of (in the form of AUTOMATIC1111's web UI, after
// NovelAI 2022). Dropout is for training: a file that says it was used gives the same as one that does not (ComfyUI 0.8.0 draws it while
// it samples).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diffusion/unet_patches.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

/// Immutable; safe to call from several threads.
class Hypernetwork {
 public:
  /// Reads a file of torch's with a pair of networks for each width: `{320: [{"linear.0.weight": ...}, {...}], "activation_func": "relu",
  /// ...}`. Throws InvalidInput that says what is missing or unknown.
  Hypernetwork(const TorchFile& file, const Compute& compute);

  /// Adds `strength` times what the networks of their width say to keys and values; other widths stay as they are.
  void apply(AttentionSources& sources, double strength) const;
  std::size_t bytes() const;

 private:
  enum class Activation { kLinear, kRelu, kLeakyRelu, kElu, kSwish, kTanh, kSigmoid, kSoftsign, kMish };
  struct Step {
    Linear linear;
    bool activated;
    std::optional<LayerNorm> norm;
  };
  using Chain = std::vector<Step>;
  struct Pair { Chain keys, values; };

  static Activation activation_of(const std::string& name);
  Chain read_chain(const TorchFile& file, const PickleValue& tensors, bool normed, bool activate_output, const Compute& compute) const;
  at::Tensor run(const Chain& chain, at::Tensor x) const;

  Activation activation_ = Activation::kLinear;
  std::map<std::int64_t, Pair> pairs_;  // by width
};

}  // namespace darkroom
