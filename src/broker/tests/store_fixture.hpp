#pragma once
// A SQLite broker in a folder of its own, and its coroutines run to their end: for the stores beside queue and history.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>

#include "broker/sqlite_broker.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {

class StoreTest : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> work) {
    io_.restart();
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    io_.run();
    return future.get();
  }
  /// Closes the database and opens it again.
  void reopen(std::size_t most_webhooks = kMaxWebhooks) {
    broker_.reset();
    broker_ = std::make_unique<SqliteBroker>(folder_ / "darkroom.sqlite", BrokerLimits{}, most_webhooks);
  }

  ScratchFolder folder_;
  asio::io_context io_;
  std::unique_ptr<SqliteBroker> broker_ = std::make_unique<SqliteBroker>(folder_ / "darkroom.sqlite", BrokerLimits{});
};

}  // namespace darkroom
