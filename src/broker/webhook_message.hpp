#pragma once
// What a webhook is told of a job that is over.

#include <string>

#include "broker/webhook_store.hpp"
#include "messages/job.hpp"

namespace darkroom {

/// Limit: outputs of a job in the message to its webhook, bytes. Beyond: the message says `outputs_omitted`, and the history has them.
/// Fixed: receivers take some hundred KiB. Edge: WebhookMessage.LongOutputsAreLeftOut.
constexpr std::size_t kMaxWebhookOutputs = 256u << 10;

/// The job that it is about.
struct WebhookSubject {
  std::string owner, id, url;
  std::int64_t ticket = 0, create_time = 0;
};

/// The message without its seq. Its id is the same however often the job has ended: after a loss of power it may run and end again.
WebhookMessage webhook_message(const WebhookSubject& job, const JobResult& result, std::int64_t now);

}  // namespace darkroom
