#include "gateway/allowances.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/http.hpp"
#include "gateway/options.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {

constexpr int kSteps = 60;
/// Limit: users whose uploads are remembered. Beyond: those who have sent nothing lately are forgotten, else one of them. Fixed: bounds the
/// memory of the gateway. Edge: Allowances.IdleUsersAreForgotten.
constexpr std::size_t kRemembered = 10'000;
constexpr std::int64_t kSweepMs = 1000;

/// Throws when `amount` more would be too much for now.
void check(SlidingSum& sum, double amount, double limit, std::int64_t now, const std::string& text) {
  if (limit <= 0) return;
  const double over = sum.sum(now) + amount - limit;
  if (over > 0) throw Exhausted(text, std::max<std::int64_t>(1, (sum.until_freed(over, now) + 999) / 1000));
}

}  // namespace

void SlidingSum::add(double amount, std::int64_t now) {
  const std::int64_t step = span_ms_ / kSteps, begin = now / step * step;
  if (steps_.empty() || steps_.back().first != begin) steps_.emplace_back(begin, 0);
  steps_.back().second += amount;
  sum_ += amount;
}

double SlidingSum::sum(std::int64_t now) {
  while (!steps_.empty() && steps_.front().first + span_ms_ <= now) {
    sum_ -= steps_.front().second;
    steps_.pop_front();
  }
  if (steps_.empty()) sum_ = 0;  // no rounding errors are kept
  return sum_;
}

std::int64_t SlidingSum::until_freed(double amount, std::int64_t now) const {
  double freed = 0;
  for (const auto& [begin, spent] : steps_)
    if ((freed += spent) >= amount) return begin + span_ms_ - now;
  return span_ms_;
}

Allowances::Spent& Allowances::spent_by(const std::string& name, std::int64_t now) {
  if (users_.size() >= kRemembered && !users_.contains(name)) make_room(now);
  return users_[name];
}

/// Forgets who has sent nothing lately, at most once a second; where nobody is idle, anybody.
void Allowances::make_room(std::int64_t now) {
  if (now - swept_ >= kSweepMs) {
    swept_ = now;
    for (auto user = users_.begin(); user != users_.end();) {
      Spent& spent = user->second;
      const bool idle =
          spent.uploads.sum(now) + spent.bytes.sum(now) + spent.megapixels.sum(now) + spent.jobs.sum(now) + spent.seconds.sum(now) == 0;
      user = idle ? users_.erase(user) : std::next(user);
    }
  }
  if (users_.size() >= kRemembered) users_.erase(users_.begin());
}

void Allowances::begin_upload(const Identity& who, std::uint64_t bytes, std::int64_t now) {
  if (!who.has_own_room()) return;
  Spent& spent = spent_by(who, now);
  check(spent.uploads, 1, limits_.uploads_a_minute, now, fmt::format("You have made {} uploads in the last minute: wait a little", limits_.uploads_a_minute));
  const auto most = static_cast<double>(limits_.bytes_an_hour);
  if (most > 0 && static_cast<double>(bytes) > most) throw TooLarge(fmt::format("The upload is larger than the {} MiB that a user may send in an hour", limits_.bytes_an_hour >> 20));
  check(spent.bytes, static_cast<double>(std::max<std::uint64_t>(bytes, 1)), most, now, fmt::format("With this upload you would have sent over {} MiB in the last hour: wait a little", limits_.bytes_an_hour >> 20));
  spent.uploads.add(1, now);
}

void Allowances::received(const Identity& who, std::uint64_t bytes, std::int64_t now) {
  if (who.has_own_room()) spent_by(who, now).bytes.add(static_cast<double>(bytes), now);
}

void Allowances::restore(const Identity& who, std::int64_t width, std::int64_t height, std::int64_t now) {
  if (!who.has_own_room()) return;
  Spent& spent = spent_by(who, now);
  const double megapixels = static_cast<double>(width) * static_cast<double>(height) / 1e6;
  if (limits_.megapixels_an_hour > 0 && megapixels > limits_.megapixels_an_hour)
    throw TooLarge(fmt::format("The photograph is larger than the {:g} million pixels that a user may have restored in an hour", limits_.megapixels_an_hour));
  check(spent.megapixels, megapixels, limits_.megapixels_an_hour, now,
        fmt::format("With this photograph you would have had over {:g} million pixels restored in the last hour: wait a little", limits_.megapixels_an_hour));
  spent.megapixels.add(megapixels, now);
}

void Allowances::check_job(const Identity& who, std::int64_t now) {
  if (!who.has_own_room()) return;
  check(spent_by(who, now).jobs, 1, limits_.jobs_an_hour, now,
        fmt::format("You have sent {} jobs in the last hour: wait a little", limits_.jobs_an_hour));
  // The last one may go over it: nobody knows before how long it takes.
  check(spent_by(who.user, now).seconds, 1e-3, limits_.seconds_an_hour, now,
        fmt::format("Your jobs have run for {:g} seconds in the last hour: wait a little", limits_.seconds_an_hour));
}

void Allowances::submitted(const Identity& who, int count, std::int64_t now) {
  if (who.has_own_room()) spent_by(who, now).jobs.add(count, now);
}

void Allowances::ran(const std::string& user, double seconds, std::int64_t now) {
  if (limits_.seconds_an_hour > 0) spent_by(user, now).seconds.add(seconds, now);
}

Response too_many(const Exhausted& why) {
  Response response = Response::error(429, "too_many_uploads", why.what());
  response.header("Retry-After", std::to_string(why.retry_after_s));
  return response;
}

Allowances& allowances_of(Services& services) {
  if (!services.allowances) services.allowances = std::make_shared<Allowances>(services.options.user_limits);
  return *services.allowances;
}

}  // namespace darkroom
