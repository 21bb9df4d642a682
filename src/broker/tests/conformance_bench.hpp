#pragma once
// What the conformance tests of brokers have in common: a broker by a factory, coroutines run to their end, jobs and results.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.hpp"

namespace darkroom {

using namespace std::chrono_literals;

constexpr auto kLongLease = 1h;

/// Makes a broker; called again after the first one is gone, it opens the same store.
struct BrokerFactory {
  std::string name;
  std::function<std::function<std::unique_ptr<Broker>(BrokerLimits)>()> fresh_store;
};
inline void PrintTo(const BrokerFactory& factory, std::ostream* out) { *out << factory.name; }

inline Job make_job(const std::string& id, std::int64_t number, const std::string& client = "c", const std::string& owner = "local") {
  Job job;
  job.id = id;
  job.number = number;
  job.owner = owner;
  job.client_id = client;
  job.has_client = !client.empty();
  job.prompt = {{"1", json::object{{"class_type", "A"}, {"inputs", json::object{{"text", id}}}}}};
  job.extra_data = {{"client_id", client}, {"create_time", 1000 + number}};
  job.outputs = {"1"};
  job.create_time = 1000 + number;
  return job;
}

inline Job explicit_job(const std::string& id, double number) {
  Job job = make_job(id, 0);
  job.number = number;
  job.explicit_number = true;
  return job;
}

inline JobResult success(std::int64_t started = 10, std::int64_t ended = 20) {
  JobResult result;
  result.started = started;
  result.ended = ended;
  result.messages = {json::array{"execution_start", json::object{{"timestamp", started}}}};
  result.outputs = {{"1", json::object{{"images", json::array{json::object{{"filename", "a.png"}, {"subfolder", ""}, {"type", "output"}}}}}}};
  return result;
}

class BrokerConformance : public testing::TestWithParam<BrokerFactory> {
 protected:
  void SetUp() override {
    make_ = GetParam().fresh_store();
    open();
  }
  void open(BrokerLimits limits = {}) {
    broker_.reset();
    broker_ = make_(limits);
  }

  /// Runs a coroutine to its end.
  template <class T>
  T run(asio::awaitable<T> work) {
    io_.restart();
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    io_.run();
    return future.get();
  }

  void submit(Job job) { run(broker_->submit(std::move(job))); }
  std::optional<ClaimedJob> claim(std::chrono::milliseconds lease = kLongLease) { return run(broker_->claim(lease)); }
  std::string claim_id() {
    const auto claimed = claim();
    return claimed ? claimed->job.id : "";
  }
  std::vector<std::string> pending_ids() {
    std::vector<std::string> ids;
    for (const auto& job : run(broker_->queue("local")).pending) ids.push_back(job->id);
    return ids;
  }
  std::vector<std::string> history_ids(std::optional<std::int64_t> most = {}, std::int64_t offset = -1) {
    std::vector<std::string> ids;
    for (const auto& entry : run(broker_->history("local", most, offset))) ids.push_back(entry.id);
    return ids;
  }
  void run_one(const std::string& id, std::int64_t number) {
    submit(make_job(id, number));
    const auto claimed = claim();
    ASSERT_TRUE(claimed && claimed->job.id == id);
    ASSERT_TRUE(run(broker_->finish(claimed->claim, success(number * 10, number * 10 + 5))));
  }

  using Ids = std::vector<std::string>;
  asio::io_context io_;
  std::function<std::unique_ptr<Broker>(BrokerLimits)> make_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace darkroom
