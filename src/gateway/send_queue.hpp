#pragma once
// What waits to be sent to one WebSocket client, bounded in bytes. Over the soft limit only the newest preview and the newest
// progress of a node are kept; over the hard limit the client is too slow to be served.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "gateway/hub.hpp"

namespace darkroom {

/// Opcodes of RFC 6455 §5.2.
enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

class SendQueue {
 public:
  struct Entry {
    std::shared_ptr<const std::string> payload;  ///< null: replaced by a newer one
    Opcode opcode = Opcode::kText;
    Frame::Kind kind = Frame::Kind::kOrdinary;
    std::string key;
    std::string slot() const;  ///< what a newer one of the same slot replaces
  };

  explicit SendQueue(const HubLimits& limits) : limits_(limits) {}

  /// False when the hard limit is passed: the entry was not taken.
  bool push(const Frame& frame);
  bool push_control(Opcode opcode, std::string payload);

  /// How many were replaced by newer ones since the last call.
  std::size_t take_replaced() { return std::exchange(replaced_, 0); }

  bool empty() const { return live_ == 0; }
  std::size_t bytes() const { return bytes_; }
  /// Calls `visit(entry)` for the first entries until it returns false.
  template <class Visit>
  void peek(Visit visit) const {
    for (const auto& entry : entries_)
      if (entry.payload && !visit(entry)) return;
  }
  void pop();                 ///< the first has been sent
  void pin_front();           ///< the first is partly sent: nothing replaces it any more
  void clear_unsent();        ///< all but a pinned first

 private:
  bool take(Entry entry);
  void compact();
  void replace_older(const Entry& entry);

  HubLimits limits_;
  std::deque<Entry> entries_;
  std::unordered_map<std::string, std::uint64_t> newest_;  ///< slot → number of its entry; kept only while over the soft limit
  std::uint64_t first_ = 0;                                ///< number of entries_.front()
  std::size_t bytes_ = 0, live_ = 0, replaced_ = 0;
  bool pinned_ = false, over_soft_ = false;
};

}  // namespace darkroom
