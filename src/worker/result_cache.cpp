#include "worker/result_cache.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace darkroom {

CacheMode cache_mode(std::string_view name) {
  if (name == "classic") return CacheMode::kClassic;
  if (name == "lru") return CacheMode::kLru;
  if (name == "ram") return CacheMode::kRam;
  if (name == "none") return CacheMode::kNone;
  throw InvalidInput("no cache is called " + std::string(name));
}

void ResultCache::configure(CacheMode mode, std::size_t limit) {
  if (mode != mode_) clear();
  mode_ = mode;
  limit_ = limit;
}

ResultCache::Entries::iterator ResultCache::erase(Entries::iterator at) {
  bytes_ -= at->second.result->bytes;
  return entries_.erase(at);
}

void ResultCache::begin_prompt(const std::unordered_set<Hash128>& signatures) {
  ++generation_;
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (signatures.contains(at->second.root)) {
      at->second.generation = generation_;
      ++at;
    } else if (mode_ == CacheMode::kClassic) {
      at = erase(at);
    } else {
      ++at;
    }
  }
  if (mode_ != CacheMode::kLru || entries_.size() <= limit_) return;
  std::vector<std::pair<std::uint64_t, Hash128>> old;
  for (const auto& [signature, entry] : entries_)
    if (entry.generation != generation_) old.emplace_back(entry.generation, signature);
  std::sort(old.begin(), old.end());
  for (const auto& [generation, signature] : old) {
    if (entries_.size() <= limit_) break;
    erase(entries_.find(signature));
  }
}

ResultPtr ResultCache::find(const Hash128& signature) {
  const auto at = entries_.find(signature);
  return at == entries_.end() ? nullptr : at->second.result;
}

void ResultCache::put(const Hash128& signature, const Hash128& root, ResultPtr result) {
  if (keeps_nothing()) return;
  bytes_ += result->bytes;
  Entry& entry = entries_[signature];
  if (entry.result) bytes_ -= entry.result->bytes;
  entry = {std::move(result), root, generation_};
}

std::size_t ResultCache::drop_until(std::size_t bytes) {
  constexpr double kAgeing = 1.3;
  std::vector<std::pair<double, Hash128>> weights;
  for (const auto& [signature, entry] : entries_)
    weights.emplace_back(static_cast<double>(entry.result->bytes + 1) * std::pow(kAgeing, static_cast<double>(generation_ - entry.generation)), signature);
  std::sort(weights.rbegin(), weights.rend());
  std::size_t given = 0;
  for (const auto& [weight, signature] : weights) {
    if (given >= bytes) break;
    const auto at = entries_.find(signature);
    given += at->second.result->bytes;
    erase(at);
  }
  return given;
}

void ResultCache::keep_free(std::size_t available) {
  if (mode_ == CacheMode::kRam && available < limit_) drop_until(limit_ - available);
}

}  // namespace darkroom
