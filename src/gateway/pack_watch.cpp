#include "gateway/pack_watch.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <string>

#include "base/log.hpp"
#include "gateway/packs.hpp"
#include "gateway/pool.hpp"
#include "gateway/worker_pool.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

constexpr auto kLook = std::chrono::milliseconds(500);

/// Names, times and sizes of all files of code.
std::string look_at(const Folders& folders) {
  std::string seen;
  for (const auto& file : pack_code(folders)) {
    std::error_code gone;
    seen += file.string() + '\0' + std::to_string(std::filesystem::last_write_time(file, gone).time_since_epoch().count()) + '/' + std::to_string(std::filesystem::file_size(file, gone)) + '\n';
  }
  return seen;
}

}  // namespace

asio::awaitable<void> watch_packs(BlockingPool& pool, const Folders& folders, WorkerPool& workers) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto look = [&folders] { return look_at(folders); };
  std::string loaded = co_await pool.run(look), before = loaded;
  for (;;) {
    timer.expires_after(kLook);
    co_await timer.async_wait(asio::use_awaitable);
    std::string now = co_await pool.run(look);
    if (now != loaded && now == before) {
      log::info("the code of packs has changed: they are loaded anew");
      workers.reload();
      loaded = now;
    }
    before = std::move(now);
  }
}

}  // namespace darkroom
