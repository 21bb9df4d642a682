#pragma once
// A small pool for what blocks: SQLite reads, files, hashing, gzip. The io thread waits by co_await.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <type_traits>
#include <utility>

namespace darkroom {

namespace asio = boost::asio;

class BlockingPool {
 public:
  explicit BlockingPool(int threads) : pool_(threads) {}

  /// Runs `work` on the pool and comes back to the caller's executor with its result or exception.
  template <class Work>
  asio::awaitable<std::invoke_result_t<Work>> run(Work work) {
    co_return co_await asio::co_spawn(
        pool_, [](Work inner) -> asio::awaitable<std::invoke_result_t<Work>> { co_return inner(); }(std::move(work)), asio::use_awaitable);
  }

  void stop() { pool_.join(); }

 private:
  asio::thread_pool pool_;
};

}  // namespace darkroom
