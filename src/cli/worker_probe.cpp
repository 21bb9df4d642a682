#include "cli/worker_probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {

WorkerProbe probe_worker(const Options& options, const Folders& folders, std::chrono::seconds limit) {
  WorkerProbe probe;
  asio::io_context io(1);
  SchemaStore schemas(folders);
  WorkerPool workers(io.get_executor(), options, folders, schemas);
  asio::steady_timer timer(io, limit);
  const std::int64_t begin = steady_ms();
  workers.listen({.ready =
                      [&](WorkerHandle& worker) {
                        probe.started = true;
                        probe.hello = worker.hello();
                        probe.start_ms = steady_ms() - begin;
                        timer.cancel();
                      },
                  .record = [](WorkerHandle&, Record) {},
                  .lost = [&](WorkerHandle&, LostReason) { timer.cancel(); }});
  workers.start();
  const auto wait = [&]() -> asio::awaitable<void> {
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    probe.schemas = schemas.current();
    co_await workers.stop();
    io.stop();
  };
  asio::co_spawn(io, wait, asio::detached);
  io.run();
  return probe;
}

}  // namespace darkroom
