#pragma once
// Events of running jobs, from whoever publishes them to everybody who subscribed, in the order of the calls. One thread.

#include <functional>
#include <memory>
#include <vector>

#include "messages/wire.hpp"

namespace darkroom {

class EventChannel {
 public:
  using Listener = std::function<void(const Record& event)>;

  void publish(const Record& event) {
    bool gone = false;
    // By index: a listener may subscribe another one.
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (const auto listener = listeners_[i].lock()) (*listener)(event);
      else gone = true;
    }
    if (gone) std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  }

  /// Until the returned object is gone.
  std::shared_ptr<void> subscribe(Listener listener) {
    auto kept = std::make_shared<Listener>(std::move(listener));
    listeners_.push_back(kept);
    return kept;
  }

 private:
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace darkroom
