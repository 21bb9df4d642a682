#pragma once
// How often, when and for how long a message is sent to a webhook that does not take it.

#include <chrono>
#include <cstdint>
#include <optional>

namespace darkroom {

/// Tests shorten them.
struct WebhookTimes {
  /// Limit: tries of a message to a webhook. Beyond: it is given up, which the log and /metrics say. Fixed: with the times below a day's
  /// worth. Edge: WebhookSchedule.TriesHaveALimit.
  int tries = 15;
  std::chrono::milliseconds first{5'000};  ///< to the second try; each further wait is three times as long, give or take a fifth
  /// Limit: time between two tries of a message to a webhook, ms. Beyond: it is shortened to that, also where the receiver asks for more.
  /// Fixed: a receiver that is back need not wait for long. Edge: WebhookSchedule.WaitsGrowUpToALimit.
  std::chrono::milliseconds last{14'400'000};
  /// Limit: time for which a message to a webhook is tried, ms. Beyond: it is given up. Fixed: a day. Edge:
  /// WebhookSchedule.TheWholeHasATime.
  std::chrono::milliseconds total{86'400'000};
  /// Limit: time for a webhook to answer, ms. Beyond: the try has failed. Fixed: receivers put what they get into a queue of theirs. Edge:
  /// test_webhooks.py::test_a_receiver_that_never_answers_is_left.
  std::chrono::milliseconds answer{15'000};
};

/// When a message that was made at `made` and has been tried `tries` times in vain is tried again; nothing: never. All in ms since 1970.
/// `asked`: how long the receiver asks to wait; `chance`: 0 to 1, so that what failed together is not tried together.
std::optional<std::int64_t> next_try(const WebhookTimes& times, int tries, std::int64_t made, std::int64_t now,
                                     std::chrono::milliseconds asked, double chance);

}  // namespace darkroom
