#include "broker/sqlite_restorations.hpp"

#include "broker/restorations_table.hpp"

namespace darkroom {

asio::awaitable<void> SqliteRestorations::save(RestorationRow row, std::vector<RestorationMessage> messages, bool durable) {
  auto row_here = std::make_shared<const RestorationRow>(std::move(row));
  auto messages_here = std::make_shared<const std::vector<RestorationMessage>>(std::move(messages));
  std::function<void(Database&)> apply = [row_here, messages_here](Database& writing) { save_restoration(writing, *row_here, *messages_here); };
  co_await state_.write(std::move(apply), durable);
}

asio::awaitable<std::optional<RestorationRow>> SqliteRestorations::find(std::string owner, std::string id) {
  auto query = [owner, id](Database& reading) { return find_restoration(reading, owner, id); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::vector<RestorationRow>> SqliteRestorations::list(std::string owner, std::int64_t limit) {
  auto query = [owner, limit](Database& reading) { return list_restorations(reading, owner, limit); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::vector<RestorationRow>> SqliteRestorations::unended() {
  auto query = [](Database& reading) { return unended_restorations(reading); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::vector<RestorationRow>> SqliteRestorations::ended_before(std::int64_t moment) {
  auto query = [moment](Database& reading) { return restorations_ended_before(reading, moment); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::vector<RestorationMessage>> SqliteRestorations::messages(std::string owner, std::string id, std::int64_t after) {
  auto query = [owner, id, after](Database& reading) { return restoration_messages(reading, owner, id, after); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<void> SqliteRestorations::forget(std::string owner, std::string id) {
  std::function<void(Database&)> apply = [owner, id](Database& writing) { forget_restoration(writing, owner, id); };
  co_await state_.write(std::move(apply));
}

}  // namespace darkroom
