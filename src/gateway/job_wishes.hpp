#pragma once
// What the sender of a prompt may ask for beside its pictures: members of the body (priority, timeout, webhook, labels) and the header
// Idempotency-Key. Every route that takes jobs reads them here, and hands the job over.

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "broker/broker.hpp"
#include "gateway/identity.hpp"
#include "messages/job_terms.hpp"

namespace darkroom {

struct Options;
struct Request;
struct Services;

/// A wish that can't be: its words say why.
struct WrongWish : InvalidInput {
  using InvalidInput::InvalidInput;
};

/// Labels of a job, within their limits. Throws WrongWish.
json::object labels_of(const json::value& given);

/// Reads `priority`, `timeout` (seconds), `webhook` and `labels` of a body. Throws WrongWish for what is out of its range or of another
/// kind, Forbidden for a priority that this sender may not have.
JobTerms terms_of(const json::object& body, const Identity& who, const Options& options);

/// The header Idempotency-Key for `scope`; nothing without one. Throws WrongWish for what is no key.
std::optional<SubmissionKey> submission_key_of(const Request& request, const std::string& scope);

/// Puts a job into the queue and counts it against the quotas of its sender. Throws Exhausted, QueueFull, KeyTaken or Unavailable.
asio::awaitable<void> submit_job(Services& services, Identity who, Job job, std::optional<SubmissionKey> key);

}  // namespace darkroom
