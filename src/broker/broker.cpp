#include "broker/broker.hpp"

#include <algorithm>

namespace darkroom {

std::optional<std::int64_t> Broker::position(std::int64_t ticket) const {
  const auto& waiting = order();
  const auto place = std::ranges::find(waiting, ticket);
  if (place == waiting.end()) return std::nullopt;
  return place - waiting.begin() + 1;
}

}  // namespace darkroom
