#pragma once
// How many messages to webhooks wait, and whose they are. Lives on the io thread.

#include <cstdint>
#include <string>
#include <unordered_map>

namespace darkroom {

class WaitingWebhooks {
 public:
  explicit WaitingWebhooks(std::size_t most) : most_(most) {}

  void add(std::int64_t seq, const std::string& owner) {
    if (owner_of_.emplace(seq, owner).second) ++count_of_[owner];
  }
  void remove(std::int64_t seq) {
    const auto found = owner_of_.find(seq);
    if (found == owner_of_.end()) return;
    if (const auto count = count_of_.find(found->second); --count->second == 0) count_of_.erase(count);
    owner_of_.erase(found);
  }
  std::size_t size() const { return owner_of_.size(); }
  /// May another message of this user wait? Where there are no users, all room is theirs.
  bool has_room(const std::string& owner) const {
    const auto own = count_of_.find(owner);
    return size() < most_ && (owner == "local" || own == count_of_.end() || own->second < most_ / kWebhooksOfOne);
  }

 private:
  /// Limit: messages to the webhooks of one user that wait: one in so many of all that may. Beyond: further jobs of this user end without one,
  /// and the log says so. Fixed: a receiver that is away costs nobody else a message. Edge: Webhooks.AUserLeavesRoomForOthers.
  static constexpr std::size_t kWebhooksOfOne = 10;

  const std::size_t most_;
  std::unordered_map<std::int64_t, std::string> owner_of_;
  std::unordered_map<std::string, std::size_t> count_of_;
};

}  // namespace darkroom
