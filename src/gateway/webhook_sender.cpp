#include "gateway/webhook_sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/metrics.hpp"
#include "outbound/outbound.hpp"
#include "outbound/web_address.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kLongestSleepMs = 60'000;  // the clock of the schedule may be set
constexpr int kGone = 410;                        // the receiver wants no more of it

std::string line_of(const WebhookMessage& message) {
  try {
    return message.owner + "\n" + lower(WebAddress::parse(message.url).server.authority());
  } catch (const Error&) {
    return message.owner + "\n";
  }
}

}  // namespace

WebhookSender::WebhookSender(asio::any_io_executor io, WebhookStore& store, Outbound& outbound, WebhookSecret secret, Metrics& metrics,
                             WebhookTimes times)
    : io_(std::move(io)), store_(store), outbound_(outbound), secret_(std::move(secret)), metrics_(metrics), times_(times), timer_(io_) {}

asio::awaitable<void> WebhookSender::start() {
  store_.on_message([this](WebhookMessage message) {
    add(std::move(message));
    send_due();
  });
  auto all = co_await store_.waiting();
  for (WebhookMessage& message : all) add(std::move(message));
  if (!waiting_.empty()) log::info("{} messages to webhooks wait since the last time", waiting_.size());
  send_due();
}

void WebhookSender::add(WebhookMessage message) {
  Line& line = lines_[line_of(message)];
  line.owner = message.owner;
  line.order.emplace(message.next_try, message.seq);
  waiting_.insert_or_assign(message.seq, std::move(message));
}

bool WebhookSender::has_room(const Line& line) const {
  const auto of_user = busy_of_.find(line.owner);
  return busy_ < kWebhooksAtATime && (of_user == busy_of_.end() || of_user->second < kWebhooksOfUser);
}

/// Begins with whatever is due and has room, each line in its turn.
void WebhookSender::send_due() {
  if (!outbound_.is_open() || lines_.empty()) return;
  const std::int64_t now = now_ms();
  std::int64_t soonest = now + kLongestSleepMs;
  auto line = lines_.upper_bound(served_);
  for (std::size_t left = lines_.size(); left > 0; --left, ++line) {
    if (line == lines_.end()) line = lines_.begin();
    if (line->second.busy) continue;
    const std::int64_t due = line->second.order.begin()->first;
    if (due > now) soonest = std::min(soonest, due);
    else if (has_room(line->second)) begin(line);
  }
  wake_at(soonest);
}

void WebhookSender::wake_at(std::int64_t moment) {
  timer_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(moment - now_ms(), 1)));
  timer_.async_wait([this](const boost::system::error_code& fault) {
    if (!fault) send_due();
  });
}

void WebhookSender::begin(Lines::iterator line) {
  served_ = line->first;
  line->second.busy = true;
  ++busy_;
  ++busy_of_[line->second.owner];
  asio::co_spawn(io_, deliver(line->first, waiting_.at(line->second.order.begin()->second)), asio::detached);
}

asio::awaitable<void> WebhookSender::deliver(std::string line_name, WebhookMessage message) {
  std::string fault;
  Outbound::Answer answer;
  try {
    const auto body = co_await store_.body(message.seq);
    if (!body) throw InternalError("it is not in the database");
    const std::int64_t now = now_ms() / 1000;
    std::map<std::string, std::string> fields{{"content-type", "application/json"}, {"webhook-id", message.id}};
    fields["webhook-timestamp"] = std::to_string(now);
    fields["webhook-signature"] = secret_.sign(message.id, now, *body);
    answer = co_await outbound_.post(message.url, std::move(fields), *body, Outbound::Clock::now() + times_.answer);
  } catch (const std::exception& error) {
    fault = error.what();
  }
  Line& line = lines_[line_name];
  line.order.erase({message.next_try, message.seq});
  waiting_.erase(message.seq);
  try {
    co_await settle(message, answer.status, answer.retry_after_s, fault);
  } catch (const std::exception& error) {
    log::error("webhook {}: {}", message.id, error.what());
  }
  line.busy = false;
  if (line.order.empty()) lines_.erase(line_name);
  --busy_;
  if (--busy_of_[message.owner] == 0) busy_of_.erase(message.owner);
  send_due();
}

/// What becomes of a message that has been tried.
asio::awaitable<void> WebhookSender::settle(const WebhookMessage& message, int status, std::int64_t retry_after_s,
                                            const std::string& fault) {
  const bool taken = status / 100 == 2;
  const int tries = message.tries + 1;
  const std::string why = fault.empty() ? fmt::format("the receiver answered {}", status) : fault;
  if (!taken && status != kGone) {
    const double chance = std::uniform_real_distribution<double>(0, 1)(chance_);
    if (const auto when = next_try(times_, tries, message.made, now_ms(), std::chrono::seconds(retry_after_s), chance)) {
      WebhookMessage again = message;
      again.tries = tries;
      again.next_try = *when;
      log::info("webhook {} is tried again in {} s: {}", message.id, (*when - now_ms() + 999) / 1000, why);
      add(std::move(again));
      co_await store_.tried(message.seq, tries, *when);
      co_return;
    }
  }
  if (taken) {
    metrics_.webhook_delivered();
  } else {
    metrics_.webhook_failed();
    log::warn("webhook {} is given up after {} tries: {}", message.id, tries, why);
  }
  co_await store_.forget(message.seq);
}

}  // namespace darkroom
