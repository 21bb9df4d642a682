#pragma once
// A network in its packed form, made when it is first used and given up when memory runs short.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "tensor/model_budget.hpp"
#include "tensor/out_of_memory.hpp"

namespace darkroom {

/// One T, whose `bytes()` count in a budget. Thread-safe: it is packed once, by whoever comes first; the others wait.
template <class T>
class Packed {
 public:
  /// `pack` makes it, again each time it is needed after it has gone; it must not need another model of the budget to be
  /// packed. It may be called a second time when memory has run out in it. `expected`: about how many bytes it will have, 0 when nobody
  /// knows. `budget` null: never given up but by drop().
  Packed(std::shared_ptr<ModelBudget> budget, std::size_t expected, std::function<std::shared_ptr<const T>()> pack)
      : budget_(std::move(budget)), expected_(expected), pack_(std::move(pack)), member_(budget_, [this] { return give_up(); }) {}

  /// Who holds the pointer keeps it from being given up. Throws what `pack` throws; then nothing has changed.
  std::shared_ptr<const T> acquire() const { return acquire(pack_); }
  /// The same, but made by `pack` if it is to be made now: by one that may be interrupted.
  template <class Pack>
  std::shared_ptr<const T> acquire(const Pack& pack) const {
    const std::lock_guard lock(mutex_);
    if (!packed_) {
      if (budget_) budget_->make_room(expected_);
      packed_ = with_room(budget_, pack);
    }
    member_.used(static_cast<std::size_t>(packed_->bytes()));
    return packed_;
  }
  /// Lets go of it; who holds it keeps it.
  void drop() const {
    const std::lock_guard lock(mutex_);
    packed_.reset();
    member_.gone();
  }
  /// 0 while it is not packed.
  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return packed_ ? static_cast<std::size_t>(packed_->bytes()) : 0;
  }

 private:
  std::shared_ptr<const void> give_up() const {
    const std::unique_lock lock(mutex_, std::try_to_lock);  // locked: it is being packed
    if (!lock || !packed_ || packed_.use_count() > 1) return nullptr;
    return std::exchange(packed_, nullptr);
  }

  std::shared_ptr<ModelBudget> budget_;
  std::size_t expected_;
  std::function<std::shared_ptr<const T>()> pack_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const T> packed_;
  mutable ModelBudget::Member member_;
};

}  // namespace darkroom
