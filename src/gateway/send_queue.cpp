#include "gateway/send_queue.hpp"

#include <utility>

namespace darkroom {
namespace {
/// Bytes that an entry costs beside its payload, so that many tiny messages count too.
constexpr std::size_t kEntryBytes = sizeof(SendQueue::Entry) + 16;
}  // namespace

std::string SendQueue::Entry::slot() const { return (kind == Frame::Kind::kPreview ? 'v' : 'p') + key; }

bool SendQueue::push(const Frame& frame) {
  return take({frame.payload, frame.binary ? Opcode::kBinary : Opcode::kText, frame.kind, frame.key});
}

bool SendQueue::push_control(Opcode opcode, std::string payload) {
  return take({std::make_shared<const std::string>(std::move(payload)), opcode, Frame::Kind::kOrdinary, {}});
}

bool SendQueue::take(Entry entry) {
  const std::size_t cost = entry.payload->size() + kEntryBytes;
  if (!over_soft_ && bytes_ + cost > limits_.soft_bytes) {
    over_soft_ = true;
    compact();
  }
  if (over_soft_ && entry.kind != Frame::Kind::kOrdinary) replace_older(entry);
  if (bytes_ + cost > limits_.hard_bytes) return false;
  bytes_ += cost;
  ++live_;
  entries_.push_back(std::move(entry));
  return true;
}

/// Drops the older entry of the same slot and notes the one that is about to be added.
void SendQueue::replace_older(const Entry& entry) {
  const std::uint64_t number = first_ + entries_.size();
  const auto [at, added] = newest_.try_emplace(entry.slot(), number);
  if (added) return;
  const std::uint64_t older = std::exchange(at->second, number);
  if (older < first_ || (pinned_ && older == first_)) return;
  Entry& dropped = entries_[older - first_];
  if (!dropped.payload) return;
  bytes_ -= dropped.payload->size() + kEntryBytes;
  --live_;
  ++replaced_;
  dropped.payload.reset();
}

/// On passing the soft limit: what came before it is thinned too.
void SendQueue::compact() {
  std::deque<Entry> all = std::exchange(entries_, {});
  newest_.clear();
  const std::size_t pinned = pinned_ && !all.empty() ? 1 : 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Entry& entry = all[i];
    if (i >= pinned && entry.payload && entry.kind != Frame::Kind::kOrdinary) replace_older(entry);
    entries_.push_back(std::move(entry));
  }
}

void SendQueue::pop() {
  while (!entries_.empty() && !entries_.front().payload) {
    entries_.pop_front();
    ++first_;
  }
  if (entries_.empty()) return;
  bytes_ -= entries_.front().payload->size() + kEntryBytes;
  --live_;
  pinned_ = false;
  entries_.pop_front();
  ++first_;
  if (live_ == 0) {
    // Give the memory back: ten thousand idle clients keep nothing but an empty queue.
    std::deque<Entry>().swap(entries_);
    newest_.clear();
    over_soft_ = false;
    bytes_ = 0;
  } else if (over_soft_ && bytes_ < limits_.soft_bytes / 2) {
    over_soft_ = false;
    newest_.clear();
  }
}

void SendQueue::pin_front() {
  while (!entries_.empty() && !entries_.front().payload) {
    entries_.pop_front();
    ++first_;
  }
  pinned_ = !entries_.empty();
}

void SendQueue::clear_unsent() {
  std::deque<Entry> kept;
  bytes_ = live_ = 0;
  if (pinned_ && !entries_.empty()) {
    kept.push_back(std::move(entries_.front()));
    bytes_ = kept.front().payload->size() + kEntryBytes;
    live_ = 1;
  }
  entries_ = std::move(kept);
  newest_.clear();
  over_soft_ = false;
}

}  // namespace darkroom
