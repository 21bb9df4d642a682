#pragma once
// The order in which waiting jobs are claimed (DESIGN §9): a higher priority goes first, and among jobs of one priority every user
// has a turn (fair_lane.hpp). Turns are counted for each priority by itself.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/fair_lane.hpp"

namespace darkroom {

class FairQueue {
 public:
  void add(const QueueEntry& entry);
  /// Takes a job out without serving it. False when it isn't here.
  bool remove(std::int64_t ticket);
  /// The job that take() would give.
  std::optional<std::int64_t> next() const;
  /// Takes the next job out; an automatic one counts as a turn of its user and client.
  std::optional<std::int64_t> take();
  /// A user whose jobs are passed over, until it is not resting any more.
  void rest(const std::string& owner, bool resting);
  /// All jobs in the order in which take() would give them if nobody rested.
  std::vector<std::int64_t> order() const;
  std::size_t size() const { return priorities_.size(); }

 private:
  FairLane& lane(int priority);

  std::map<int, FairLane, std::greater<>> lanes_;     ///< by priority; that of 0 stays, the others go with their last job
  std::unordered_map<std::int64_t, int> priorities_;  ///< by ticket
  std::unordered_set<std::string> resting_;
};

}  // namespace darkroom
