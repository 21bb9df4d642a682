#pragma once
// Results of nodes that outlive their prompt (protocol.md §7.3), by signature. Used by the execution thread alone.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.hpp"
#include "worker/value.hpp"

namespace darkroom {

/// What a node gave: every slot holds a list. Immutable and shared between the cache and the jobs that need it.
struct NodeResult {
  std::vector<std::shared_ptr<const List>> slots;
  std::shared_ptr<const json::object> ui;  ///< null when it gave none
  std::size_t bytes = 0;                   ///< memory of the slots
};
using ResultPtr = std::shared_ptr<const NodeResult>;

enum class CacheMode {
  kClassic,  ///< results of the last prompt's nodes
  kLru,      ///< up to N results over prompts, oldest prompt first
  kRam,      ///< all, until free memory falls below a limit: then by size × 1.3^age
  kNone,     ///< nothing
};
/// "classic", "lru", "ram", "none"; throws InvalidInput for another word.
CacheMode cache_mode(std::string_view name);

class ResultCache {
 public:
  /// `limit`: results for kLru, bytes of memory to keep free for kRam.
  explicit ResultCache(CacheMode mode = CacheMode::kClassic, std::size_t limit = 0) : mode_(mode), limit_(limit) {}
  void configure(CacheMode mode, std::size_t limit);

  CacheMode mode() const { return mode_; }
  bool keeps_nothing() const { return mode_ == CacheMode::kNone; }

  /// A prompt begins: its nodes have these signatures. Evicts what the mode does not keep.
  void begin_prompt(const std::unordered_set<Hash128>& signatures);
  ResultPtr find(const Hash128& signature);
  /// `root`: signature of the submitted node that this one grew from; a made node's result lives as long as its root's may.
  void put(const Hash128& signature, const Hash128& root, ResultPtr result);

  /// Drops results until at least `bytes` are given up or nothing is left: big and old ones first. Returns the bytes given up;
  /// memory that a running job shares comes back when the job lets go of it.
  std::size_t drop_until(std::size_t bytes);
  /// kRam: drops what is needed to have the limit free again. `available`: bytes free on the machine now.
  void keep_free(std::size_t available);
  void clear() { entries_.clear(); bytes_ = 0; }

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    ResultPtr result;
    Hash128 root;
    std::uint64_t generation = 0;  ///< the last prompt that had it
  };
  using Entries = std::unordered_map<Hash128, Entry>;
  Entries::iterator erase(Entries::iterator at);

  CacheMode mode_;
  std::size_t limit_;
  std::uint64_t generation_ = 0;
  std::size_t bytes_ = 0;
  Entries entries_;
};

}  // namespace darkroom
