#pragma once
// What a control has made of its hints, which is the same at each step: kept as long as the hint lives.

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace darkroom {

/// Of the latest hints. Thread-safe; `make` runs unlocked, so that two threads may both make the same.
template <class Made>
class HintMemo {
 public:
  /// For which latent, in latent pixels, and what kind of picture the hint is taken for.
  struct Use {
    std::int64_t height, width;
    std::optional<std::int64_t> kind = {};
    bool operator==(const Use&) const = default;
  };

  template <class Make>
  Made get(const at::Tensor& hint, const Use& use, const Make& make) {
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(known_, [](const Known& known) { return known.hint.expired(); });
      for (const auto& known : known_)
        if (known.hint._unsafe_get_target() == hint.unsafeGetTensorImpl() && known.use == use) return known.made;
    }
    Made made = make();
    const std::lock_guard lock(mutex_);
    if (known_.size() == kKept) known_.erase(known_.begin());
    known_.push_back({c10::weak_intrusive_ptr<c10::TensorImpl>(hint.getIntrusivePtr()), use, made});
    return made;
  }

 private:
  static constexpr std::size_t kKept = 4;
  struct Known {
    c10::weak_intrusive_ptr<c10::TensorImpl> hint;
    Use use;
    Made made;
  };
  std::mutex mutex_;
  std::vector<Known> known_;  // the latest last
};

}  // namespace darkroom
