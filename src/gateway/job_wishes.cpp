#include "gateway/job_wishes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/options.hpp"
#include "gateway/services.hpp"
#include "outbound/outbound.hpp"

namespace darkroom {
namespace {

/// Limit: labels of a job. Beyond: the job is refused. Fixed: they are kept with every job. Edge: JobWishes.LabelsHaveLimits.
constexpr std::size_t kLabels = 16;
/// Limit: name of a label, characters. Beyond: the job is refused. Fixed: they are kept with every job. Edge: JobWishes.LabelsHaveLimits.
constexpr std::size_t kLabelName = 40;
/// Limit: text of a label, bytes. Beyond: the job is refused. Fixed: they are kept with every job. Edge: JobWishes.LabelsHaveLimits.
constexpr std::size_t kLabelText = 256;
/// Limit: address of a webhook, bytes. Beyond: the job is refused. Fixed: browsers and servers take no longer ones. Edge:
/// JobWishes.WebhooksAreHttpAddresses.
constexpr std::size_t kWebhookBytes = 2048;
/// Limit: Idempotency-Key, characters. Beyond: 400. Fixed: UUIDs have 36. Edge: JobWishes.KeysArePrintable.
constexpr std::size_t kKeyBytes = 255;
/// Limit: time-out that a sender asks for, s. Beyond: the job is refused. Fixed: a week; a server's own limit is --job-timeout. Edge:
/// JobWishes.TimeoutsHaveARange.
constexpr double kLongestTimeout = 7 * 24 * 3600;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLabelName &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == '-'; });
}

/// Texts are shown to people: nothing that hides or turns around what stands beside it.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080..9F are C2 80..9F; U+200E..F, U+202A..E and U+2066..9 set directions.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
    const std::string_view three = text.substr(i, 3);
    const auto within = [&](std::string_view first, std::string_view last) { return three >= first && three <= last; };
    if (within("\u200e", "\u200f") || within("\u202a", "\u202e") || within("\u2066", "\u2069")) return true;
  }
  return false;
}

int priority_of(const json::value& given, const Identity& who, const Options& options) {
  const auto* number = given.if_int64();
  if (!number || *number < JobTerms::kLowestPriority || *number > JobTerms::kHighestPriority)
    throw WrongWish(fmt::format("priority must be a whole number from {} to {}", JobTerms::kLowestPriority, JobTerms::kHighestPriority));
  const int highest = who.admin ? JobTerms::kHighestPriority : options.user_limits.priority;
  if (*number > highest) throw Forbidden(fmt::format("your jobs may have a priority of {} at most", highest));
  return static_cast<int>(*number);
}

int timeout_of(const json::value& given) {
  const double seconds = given.is_number() ? given.to_number<double>() : std::nan("");
  if (!(seconds >= 1 && seconds <= kLongestTimeout))
    throw WrongWish(fmt::format("timeout must be a number of seconds from 1 to {:.0f}", kLongestTimeout));
  return static_cast<int>(std::ceil(seconds));
}

std::string webhook_of(const json::value& given) {
  const auto* text = given.if_string();
  if (!text || !(text->starts_with("http://") || text->starts_with("https://")))
    throw WrongWish("webhook must be an address that begins with https:// or http://");
  if (text->size() > kWebhookBytes) throw WrongWish(fmt::format("webhook must not be longer than {} bytes", kWebhookBytes));
  if (has_control(*text) || text->find(' ') != std::string_view::npos) throw WrongWish("webhook must be an address without spaces");
  return std::string(*text);
}

const json::value* given(const json::object& body, std::string_view name) {
  const auto* value = find(body, name);
  return value && !value->is_null() ? value : nullptr;
}

/// What the guard says of an address before it is looked up.
void check_webhook(const Outbound& outbound, const std::string& webhook) {
  try {
    outbound.checked(webhook);
  } catch (const Error& fault) {
    throw WrongWish(fmt::format("webhook: {}", fault.what()));
  }
}

}  // namespace

json::object labels_of(const json::value& value) {
  const auto* labels = value.if_object();
  if (!labels) throw WrongWish("labels must be an object of texts");
  if (labels->size() > kLabels) throw WrongWish(fmt::format("there may be {} labels at most", kLabels));
  for (const auto& [name, text] : *labels) {
    if (!is_name(name)) throw WrongWish(fmt::format("the name of a label has 1 to {} of the characters A-Z a-z 0-9 _ . -", kLabelName));
    if (!text.is_string() || text.get_string().size() > kLabelText || has_control(text.get_string()))
      throw WrongWish(
          fmt::format("the label {} must be a text of up to {} bytes without control characters", std::string_view(name), kLabelText));
  }
  return *labels;
}

JobTerms terms_of(const json::object& body, const Identity& who, const Options& options) {
  JobTerms terms;
  if (const auto* priority = given(body, "priority")) terms.priority = priority_of(*priority, who, options);
  if (const auto* timeout = given(body, "timeout")) terms.timeout_s = timeout_of(*timeout);
  if (const auto* webhook = given(body, "webhook")) terms.webhook = webhook_of(*webhook);
  if (const auto* labels = given(body, "labels")) terms.labels = labels_of(*labels);
  return terms;
}

std::optional<SubmissionKey> submission_key_of(const Request& request, const std::string& scope) {
  const bool there = std::ranges::any_of(request.headers, [](const auto& header) { return header.first == "idempotency-key"; });
  if (!there) return std::nullopt;
  const std::string key(request.header("idempotency-key"));
  if (key.empty() || key.size() > kKeyBytes || !std::ranges::all_of(key, [](unsigned char c) { return c >= 0x20 && c < 0x7f; }))
    throw WrongWish(fmt::format("Idempotency-Key must have 1 to {} printable ASCII characters", kKeyBytes));
  const Hash128 content = hash128(request.body);
  return SubmissionKey(scope, key, fmt::format("{:016x}{:016x}", content.high, content.low));
}

asio::awaitable<void> submit_job(Services& services, Identity who, Job job, std::optional<SubmissionKey> key) {
  if (services.outbound && !job.terms.webhook.empty()) check_webhook(*services.outbound, job.terms.webhook);
  Allowances& allowances = allowances_of(services);
  allowances.check_job(who, steady_ms());
  allowances.submitted(who, 1, steady_ms());  // before it is on disk: others of the same moment are not to pass meanwhile
  try {
    co_await services.jobs.submit(std::move(job), std::move(key));
  } catch (...) {
    allowances.submitted(who, -1, steady_ms());
    throw;
  }
}

}  // namespace darkroom
