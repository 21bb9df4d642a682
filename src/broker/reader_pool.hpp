#pragma once
// Queries that block, on a small pool of threads with connections of their own, as coroutines.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/sqlite.hpp"

namespace darkroom {

namespace asio = boost::asio;

class ReaderPool {
 public:
  ReaderPool(std::string path, std::size_t threads) : path_(std::move(path)), pool_(threads) {}
  ~ReaderPool() { pool_.join(); }

  /// Runs `query` with a read-only connection. Give it a named function object: GCC 12 destroys a lambda twice that is made inside a
  /// co_await expression and converted.
  template <class Query>
  asio::awaitable<std::invoke_result_t<Query, Database&>> run(Query query) {
    using Result = std::invoke_result_t<Query, Database&>;
    asio::awaitable<Result> reading = with_connection<Result, Query>(*this, std::move(query));
    co_return co_await asio::co_spawn(pool_, std::move(reading), asio::use_awaitable);
  }

 private:
  template <class Result, class Query>
  static asio::awaitable<Result> with_connection(ReaderPool& self, Query query) {
    std::unique_ptr<Database> connection = self.take();
    Result result = query(*connection);
    self.give_back(std::move(connection));
    co_return result;
  }
  std::unique_ptr<Database> take() {
    const std::lock_guard guard(mutex_);
    if (idle_.empty()) return std::make_unique<Database>(path_, Database::Mode::kReadOnly);
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  void give_back(std::unique_ptr<Database> connection) {
    const std::lock_guard guard(mutex_);
    idle_.push_back(std::move(connection));
  }

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;
  asio::thread_pool pool_;
};

}  // namespace darkroom
