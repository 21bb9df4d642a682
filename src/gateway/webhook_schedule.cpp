#include "gateway/webhook_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace darkroom {

std::optional<std::int64_t> next_try(const WebhookTimes& times, int tries, std::int64_t made, std::int64_t now,
                                     std::chrono::milliseconds asked, double chance) {
  if (tries >= times.tries) return std::nullopt;
  const auto last = static_cast<double>(times.last.count());
  const double grown = std::min(static_cast<double>(times.first.count()) * std::pow(3, tries - 1), last);
  const double wait = std::min(std::max(grown * (0.8 + 0.4 * chance), static_cast<double>(asked.count())), last);
  const std::int64_t when = now + static_cast<std::int64_t>(wait);
  if (when > made + times.total.count()) return std::nullopt;
  return when;
}

}  // namespace darkroom
