#pragma once
// Keys and values of the texts that a network is being asked with: made once a text, not once a step.

#include <c10/util/intrusive_ptr.h>

#include <memory>
#include <mutex>
#include <vector>

#include "diffusion/spatial_transformer.hpp"

namespace darkroom {

/// Keeps the last few answers, each as long as its context tensor lives. Thread-safe.
class TextKeyCache {
 public:
  using Keys = std::vector<TextKeys>;  ///< one a transformer block of the network, in its order

  /// `context` [B,T,D] as the caller has it: the same tensor object gets the same keys, so it must not have been written to.
  std::shared_ptr<const Keys> keys_of(const at::Tensor& context, const at::Tensor& converted, const std::vector<const TransformerBlock*>& blocks) const;

 private:
  struct Known {
    c10::weak_intrusive_ptr<c10::TensorImpl> context;
    std::shared_ptr<const Keys> keys;
  };
  mutable std::mutex mutex_;
  mutable std::vector<Known> known_;  // the latest last
};

}  // namespace darkroom
