#include "tensor/model_budget.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace darkroom {

ModelBudget::Member::Member(std::shared_ptr<ModelBudget> budget, GiveUp give_up) : budget_(std::move(budget)), give_up_(std::move(give_up)) {
  if (!budget_) return;
  const std::lock_guard lock(budget_->mutex_);
  place_ = budget_->members_.insert(budget_->members_.end(), this);
}

ModelBudget::Member::~Member() {
  if (!budget_) return;
  const std::lock_guard lock(budget_->mutex_);
  budget_->bytes_ -= bytes_;
  budget_->members_.erase(place_);
}

void ModelBudget::Member::used(std::size_t bytes) {
  if (!budget_) return;
  Trash trash;
  {
    const std::lock_guard lock(budget_->mutex_);
    budget_->bytes_ += bytes - bytes_;
    budget_->packings_ += bytes_ == 0;
    bytes_ = bytes;
    budget_->members_.splice(budget_->members_.end(), budget_->members_, place_);
    const std::size_t most = budget_->limits_.most;
    if (most > 0 && budget_->bytes_ > most) budget_->give_up(budget_->bytes_ - most, this, trash);
  }
  budget_->free(trash);
}

void ModelBudget::Member::gone() {
  if (!budget_) return;
  const std::lock_guard lock(budget_->mutex_);
  budget_->bytes_ -= std::exchange(bytes_, 0);
}

void ModelBudget::configure(Limits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = std::move(limits);
}

void ModelBudget::make_room(std::size_t bytes) {
  Trash trash;
  std::size_t missing;
  std::function<std::size_t(std::size_t)> spare;
  {
    const std::lock_guard lock(mutex_);
    if (limits_.most > 0 && bytes_ + bytes > limits_.most) give_up(bytes_ + bytes - limits_.most, nullptr, trash);
    spare = limits_.spare;
  }
  free(trash);  // before the machine is asked what it has left
  {
    const std::lock_guard lock(mutex_);
    missing = shortage(bytes);
  }
  if (missing == 0) return;
  // Without the lock: what is spared may hold models, which then leave their places here.
  const std::size_t spared = spare ? spare(missing) : 0;
  if (spared < missing) drop_unused(missing - spared);
}

std::size_t ModelBudget::drop_unused(std::size_t bytes) {
  std::size_t given = 0, more;
  do {  // again: a model that shares another's layers keeps it until it is freed
    Trash trash;
    {
      const std::lock_guard lock(mutex_);
      more = give_up(bytes - given, nullptr, trash);
    }
    free(trash);
    given += more;
  } while (more > 0 && given < bytes);
  return given;
}

std::size_t ModelBudget::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::size_t ModelBudget::packings() const {
  const std::lock_guard lock(mutex_);
  return packings_;
}

std::size_t ModelBudget::available() const {
  std::function<std::size_t()> ask;
  {
    const std::lock_guard lock(mutex_);
    ask = limits_.available;
  }
  return ask ? ask() : std::numeric_limits<std::size_t>::max();
}

/// All but `except`, whose owner is on this thread's stack and holds its own lock.
std::size_t ModelBudget::give_up(std::size_t bytes, const Member* except, Trash& trash) {
  std::size_t given = 0;
  for (Member* member : members_) {
    if (given >= bytes) break;
    if (member == except || member->bytes_ == 0) continue;
    auto thing = member->give_up_();
    if (!thing) continue;
    trash.push_back(std::move(thing));
    bytes_ -= member->bytes_;
    given += std::exchange(member->bytes_, 0);
  }
  return given;
}

/// How many bytes the device lacks for a model of `bytes` and the reserve.
std::size_t ModelBudget::shortage(std::size_t bytes) const {
  if (!limits_.available) return 0;
  const std::size_t available = limits_.available();
  return std::max(bytes + limits_.reserve, available) - available;
}

void ModelBudget::free(Trash& trash) const {
  if (trash.empty()) return;
  trash.clear();
  std::function<void()> trim;
  {
    const std::lock_guard lock(mutex_);
    trim = limits_.trim;
  }
  if (trim) trim();
}

}  // namespace darkroom
