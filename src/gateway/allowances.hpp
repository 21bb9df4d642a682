#pragma once
// How much each user has sent lately, and whether it may send more (UserLimits). In memory only: a restart forgives. Lives on the io thread.

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "base/error.hpp"
#include "gateway/identity.hpp"
#include "gateway/user_limits.hpp"

namespace darkroom {

/// A user has had its share for now.
struct Exhausted : TooLarge {
  Exhausted(const std::string& text, std::int64_t seconds) : TooLarge(text), retry_after_s(seconds) {}
  std::int64_t retry_after_s;
};

struct Response;

/// 429 with Retry-After.
Response too_many(const Exhausted& why);

/// What was spent in the last `span_ms`, in 60 steps of it.
class SlidingSum {
 public:
  explicit SlidingSum(std::int64_t span_ms) : span_ms_(span_ms) {}
  void add(double amount, std::int64_t now);
  double sum(std::int64_t now);
  /// How long until at least `amount` of it has aged out, ms.
  std::int64_t until_freed(double amount, std::int64_t now) const;

 private:
  std::int64_t span_ms_;
  std::deque<std::pair<std::int64_t, double>> steps_;  ///< begin of a step, and what was spent in it
  double sum_ = 0;
};

class Allowances {
 public:
  explicit Allowances(const UserLimits& limits) : limits_(limits) {}

  // `now`: steady_ms(). Users of the local room have no limits.
  /// Counts an upload that begins; `bytes`: what it says that it has, 0 where it does not say. Throws Exhausted, or TooLarge
  /// where no waiting would help, and counts nothing then.
  void begin_upload(const Identity& who, std::uint64_t bytes, std::int64_t now);
  /// Counts what has come of it.
  void received(const Identity& who, std::uint64_t bytes, std::int64_t now);
  /// Counts a photograph that is to be restored. Throws as begin_upload() does.
  void restore(const Identity& who, std::int64_t width, std::int64_t height, std::int64_t now);

  /// Throws Exhausted where this user has had its jobs, or their time, for now.
  void check_job(const Identity& who, std::int64_t now);
  /// Counts a job that is sent (1), or takes that back (-1).
  void submitted(const Identity& who, int count, std::int64_t now);
  /// Counts the time that a job of `user` ran.
  void ran(const std::string& user, double seconds, std::int64_t now);

  std::size_t remembered() const { return users_.size(); }

 private:
  static constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;
  struct Spent {
    SlidingSum uploads{kMinute}, bytes{kHour}, megapixels{kHour}, jobs{kHour}, seconds{kHour};
  };
  Spent& spent_by(const Identity& who, std::int64_t now) { return spent_by(who.share.empty() ? who.user : who.share, now); }
  Spent& spent_by(const std::string& name, std::int64_t now);
  void make_room(std::int64_t now);

  const UserLimits& limits_;
  std::unordered_map<std::string, Spent> users_;
  std::int64_t swept_ = -kHour;  ///< when idle ones were looked for
};

}  // namespace darkroom
