#include "gateway/housekeeping.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "broker/broker.hpp"
#include "gateway/pool.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"
#include "storage/room_sweep.hpp"
#include "storage/temp_sweep.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

constexpr auto kBetweenSweeps = std::chrono::hours(1);

asio::awaitable<void> remove_leftovers(BlockingPool& pool, const Folders& folders) {
  auto work = [&folders] {
    std::size_t sum = 0;
    for (const auto& folder : {folders.input, folders.output, folders.temp, folders.user}) sum += remove_stale_parts(folder);
    return sum;
  };
  const std::size_t removed = co_await pool.run(std::move(work));
  if (removed > 0) log::info("removed {} files that an earlier run had not finished", removed);
}

asio::awaitable<void> empty_temp(BlockingPool& pool, const Folders& folders, Broker& broker) {
  std::unordered_set<std::string> kept;
  for (const auto& [owner, names] : co_await broker.named_files("temp"))
    for (const auto& name : names) kept.insert((std::filesystem::path(room_folder(owner)) / name).string());
  auto work = [&folders, &kept] { return remove_old_files(folders.temp, std::filesystem::file_time_type::clock::now(), kept); };
  const std::size_t removed = co_await pool.run(std::move(work));
  if (removed > 0) log::info("removed {} old files of the temp folder", removed);
}

asio::awaitable<void> forget_visitors(BlockingPool& pool, const Folders& folders, double days) {
  if (days <= 0) co_return;
  const auto age = std::chrono::seconds(static_cast<std::int64_t>(days * 86'400));
  auto work = [&folders, age] { return remove_old_visitors(folders, std::filesystem::file_time_type::clock::now(), age); };
  const std::size_t removed = co_await pool.run(std::move(work));
  if (removed > 0) log::info("removed the files of {} visitors who were not here for {} days", removed, days);
}

}  // namespace

asio::awaitable<void> keep_house(BlockingPool& pool, const Folders& folders, Broker& broker, double visitor_days) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    try {
      co_await remove_leftovers(pool, folders);
      co_await empty_temp(pool, folders, broker);
      co_await forget_visitors(pool, folders, visitor_days);
    } catch (const std::exception& error) {
      log::warn("clearing away old files failed: {}", error.what());
    }
    timer.expires_after(kBetweenSweeps);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace darkroom
