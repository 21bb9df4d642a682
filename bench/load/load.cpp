#include "load/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <iostream>

#include "base/text.hpp"
#include "turns.hpp"

namespace darkroom::load {
namespace {

constexpr std::chrono::seconds kDrain{180}, kSettle{1};

Clock::duration duration(double seconds) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)); }

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

asio::awaitable<void> pause_until(asio::io_context& io, Clock::time_point time) {
  asio::steady_timer timer(io, time);
  co_await timer.async_wait(asio::use_awaitable);
}

/// `sorted` is not empty.
double percentile(const std::vector<double>& sorted, double percent) {
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

json::object percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {{"p50", percentile(values, 50)},
          {"p90", percentile(values, 90)},
          {"p99", percentile(values, 99)},
          {"p99.9", percentile(values, 99.9)},
          {"max", values.back()}};
}

}  // namespace

Load::Load(asio::io_context& io, const asio::ip::tcp::endpoint& server, const Plan& plan)
    : shared_{io, server}, plan_(plan), first_value_(now_ms() * 1000) {
  if (plan.rate == 0) shared_.most_others = static_cast<std::int64_t>(plan.clients) - 1;
  for (std::size_t i = 0; i < plan.clients; ++i)
    clients_.push_back(std::make_unique<Client>(shared_, fmt::format("load-{}-{}", first_value_, i)));
}

asio::awaitable<void> Load::run() {
  co_await open_sockets();
  from_ = Clock::now() + duration(plan_.warm_up);
  to_ = from_ + duration(plan_.seconds);
  if (plan_.rate > 0) asio::co_spawn(shared_.io, send_at_rate(), asio::detached);
  else
    for (const auto& client : clients_) asio::co_spawn(shared_.io, send_in_turn(*client), asio::detached);
  co_await measure();
  over_ = true;
  co_await drain();
}

asio::awaitable<void> Load::open_sockets() {
  for (const auto& client : clients_) co_await client->open();
}

asio::awaitable<void> Load::send_in_turn(Client& client) {
  bool answered = true;
  while (!over_ && answered) {
    Job& job = new_job(Clock::now());
    co_await client.run(job);
    --on_the_way_;
    answered = job.is_answered();
  }
}

asio::awaitable<void> Load::send_at_rate() {
  const Clock::time_point first = Clock::now();
  for (std::size_t number = 0; !over_; ++number) {
    const Clock::time_point due = first + duration(static_cast<double>(number) / plan_.rate);
    if (due > Clock::now()) co_await pause_until(shared_.io, due);
    asio::co_spawn(shared_.io, one(*clients_[number % clients_.size()], due), asio::detached);
  }
}

asio::awaitable<void> Load::one(Client& client, Clock::time_point due) {
  co_await client.run(new_job(due));
  --on_the_way_;
}

Job& Load::new_job(Clock::time_point due) {
  ++on_the_way_;
  Job& job = jobs_.emplace_back();
  job.value = first_value_ + static_cast<std::int64_t>(jobs_.size());
  job.id = fmt::format("10ad0000-0000-4000-8000-{:012x}", job.value & 0xffffffffffff);
  job.due = due;
  return job;
}

asio::awaitable<void> Load::measure() {
  co_await pause_until(shared_.io, from_);
  std::cout << "measuring" << std::endl;
  const double cpu = processor_seconds();
  const std::uint64_t statuses = shared_.statuses;
  co_await pause_until(shared_.io, to_);
  cpu_ = processor_seconds() - cpu;
  statuses_ = shared_.statuses - statuses;
  std::cout << "measured" << std::endl;
}

/// Until all is answered, and every socket has heard that nothing is left.
asio::awaitable<void> Load::drain() {
  const auto stale = [this] { return std::ranges::count_if(clients_, [](const auto& client) { return client->last_status() != 0; }); };
  const Clock::time_point end = Clock::now() + kDrain;
  while (on_the_way_ > 0 && Clock::now() < end) co_await pause_until(shared_.io, Clock::now() + std::chrono::milliseconds(20));
  const Clock::time_point settled = Clock::now() + kSettle;
  while (stale() > 0 && Clock::now() < settled) co_await pause_until(shared_.io, Clock::now() + std::chrono::milliseconds(20));
  Faults& faults = shared_.faults;
  faults.add(Faults::kUnanswered, fmt::format("after {} s", kDrain.count()), on_the_way_);
  faults.add(Faults::kStaleStatus, "sockets that do not know that nothing is left", static_cast<std::size_t>(stale()));
  faults.add(Faults::kUntrueStatus, "milliseconds with a count that can't have been true", shared_.truth.untrue(jobs_));
  clean_ = std::ranges::all_of(faults.counts(), [](const auto& fault) { return fault.value() == 0; });
}

bool Load::counts(const Job& job) const {
  const Clock::time_point when = plan_.rate > 0 ? job.due : job.answered;
  return job.is_answered() && when >= from_ && when < to_;
}

json::object Load::report() const {
  std::vector<double> latencies, lags;
  for (const Job& job : jobs_) {
    if (!counts(job)) continue;
    latencies.push_back(milliseconds(job.answered - job.due));
    lags.push_back(milliseconds(job.posted - job.due));
  }
  const auto clients = static_cast<double>(clients_.size());
  return {{"clients", clients_.size()},
          {"rate", plan_.rate},
          {"jobs", latencies.size()},
          {"jobs_per_second", static_cast<double>(latencies.size()) / plan_.seconds},
          {"latency_ms", percentiles(latencies)},
          {"sent_late_ms", percentiles(lags)},
          {"statuses_per_socket_and_second", static_cast<double>(statuses_) / clients / plan_.seconds},
          {"seconds", plan_.seconds},
          {"generator_cpu_s", cpu_},
          {"faults", shared_.faults.counts()}};
}

}  // namespace darkroom::load
