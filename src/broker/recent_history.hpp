#pragma once
// The entries of the history that were written last, in memory: most clients ask for a result as soon as its job is over, and these need no
// thread and no query. Lives on the io thread; what is in it is in the table, too.

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "broker/broker.hpp"

namespace darkroom {

class RecentHistory {
 public:
  /// Limit: finished jobs kept in memory. Beyond: the oldest are read from disk. Fixed: who watches a job asks at once. Edge:
  /// RecentHistory.HasALimitOfEntries.
  static constexpr std::size_t kMaxEntries = 256;
  /// Limit: finished jobs kept in memory, bytes. Beyond: the oldest are read from disk. Fixed: bounds the memory of the gateway. Edge:
  /// RecentHistory.HasALimitOfBytes.
  static constexpr std::size_t kMaxBytes = 8u << 20;

  using Entry = std::shared_ptr<const HistoryEntry>;

  /// In place of an older one of that id.
  void add(const std::string& owner, HistoryEntry entry);
  Entry find(const std::string& owner, const std::string& id) const;  ///< null: not here
  void forget(const std::string& owner, const std::string& id);
  void forget(const std::string& owner);
  /// Of this owner's only the newest `count` are in the table any more.
  void keep_newest(const std::string& owner, std::size_t count);

 private:
  struct Kept {
    std::string owner;
    Entry entry;
  };
  using Place = std::list<Kept>::iterator;
  Place drop(Place place);

  std::list<Kept> kept_;  ///< oldest first
  std::unordered_map<std::string, Place> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace darkroom
