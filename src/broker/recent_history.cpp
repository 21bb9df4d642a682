#include "broker/recent_history.hpp"

#include <algorithm>
#include <utility>

namespace darkroom {
namespace {

std::string key_of(const std::string& owner, const std::string& id) { return owner + '\0' + id; }

std::size_t size_of(const HistoryEntry& entry) {
  return sizeof entry + entry.id.size() + entry.prompt.size() + entry.extra_data.size() + entry.output_ids.size() + entry.outputs.size() +
         entry.status.size() + entry.meta.size() + entry.summary.preview.size() + entry.summary.error.size() + entry.terms.size() +
         entry.events.size();
}

}  // namespace

void RecentHistory::add(const std::string& owner, HistoryEntry entry) {
  forget(owner, entry.id);
  bytes_ += size_of(entry);
  kept_.push_back({owner, std::make_shared<const HistoryEntry>(std::move(entry))});
  by_key_[key_of(owner, kept_.back().entry->id)] = std::prev(kept_.end());
  while (kept_.size() > kMaxEntries || bytes_ > kMaxBytes) drop(kept_.begin());
}

RecentHistory::Entry RecentHistory::find(const std::string& owner, const std::string& id) const {
  const auto found = by_key_.find(key_of(owner, id));
  return found == by_key_.end() ? nullptr : found->second->entry;
}

void RecentHistory::forget(const std::string& owner, const std::string& id) {
  const auto found = by_key_.find(key_of(owner, id));
  if (found != by_key_.end()) drop(found->second);
}

void RecentHistory::forget(const std::string& owner) { keep_newest(owner, 0); }

void RecentHistory::keep_newest(const std::string& owner, std::size_t count) {
  if (count >= kept_.size()) return;
  auto own = static_cast<std::size_t>(std::ranges::count(kept_, owner, &Kept::owner));
  for (auto place = kept_.begin(); own > count;) {
    if (place->owner != owner) {
      ++place;
      continue;
    }
    place = drop(place);
    --own;
  }
}

RecentHistory::Place RecentHistory::drop(Place place) {
  bytes_ -= size_of(*place->entry);
  by_key_.erase(key_of(place->owner, place->entry->id));
  return kept_.erase(place);
}

}  // namespace darkroom
