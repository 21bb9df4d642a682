#include "load/status_truth.hpp"

#include <algorithm>

namespace darkroom::load {

std::size_t StatusTruth::slot(Clock::time_point at) const {
  return static_cast<std::size_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(at - began_).count()));
}

void StatusTruth::heard(Clock::time_point at, std::int64_t count) {
  const std::size_t here = slot(at);
  if (here >= heard_.size()) heard_.resize(here + 1);
  heard_[here].least = std::min(heard_[here].least, count);
  heard_[here].most = std::max(heard_[here].most, count);
}

std::size_t StatusTruth::untrue(const std::deque<Job>& jobs) const {
  const std::size_t delay = kDelay.count(), size = heard_.size();
  std::vector<std::int64_t> sure(size + 1), possible(size + 1);  // changes at each millisecond, then summed
  const auto mark = [&](std::vector<std::int64_t>& changes, std::size_t from, std::size_t to) {
    if (from >= std::min(to, size)) return;
    ++changes[from];
    --changes[std::min(to, size)];
  };
  const auto slot_or = [&](Clock::time_point at, std::size_t otherwise) { return at == Clock::time_point() ? otherwise : slot(at); };
  for (const Job& job : jobs) {
    const std::size_t accepted = slot_or(job.accepted, size), ended = slot_or(job.ended, size + delay);
    mark(sure, accepted + delay + 1, ended > delay ? ended - delay : 0);
    mark(possible, slot(job.posted), slot_or(job.told, size) + delay + 1);
  }
  std::size_t untrue = 0;
  std::int64_t least = 0, most = 0;
  for (std::size_t at = 0; at < size; ++at) {
    least += sure[at];
    most += possible[at];
    if (heard_[at].least <= heard_[at].most && (heard_[at].least < least || heard_[at].most > most)) ++untrue;
  }
  return untrue;
}

}  // namespace darkroom::load
