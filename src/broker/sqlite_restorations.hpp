#pragma once
// RestorationStore in the broker's database: private to the broker.

#include "broker/restoration_store.hpp"
#include "broker/sqlite_state.hpp"

namespace darkroom {

class SqliteRestorations final : public RestorationStore {
 public:
  explicit SqliteRestorations(SqliteBroker::State& state) : state_(state) {}

  asio::awaitable<void> save(RestorationRow row, std::vector<RestorationMessage> messages, bool durable) override;
  asio::awaitable<std::optional<RestorationRow>> find(std::string owner, std::string id) override;
  asio::awaitable<std::vector<RestorationRow>> list(std::string owner, std::int64_t limit) override;
  asio::awaitable<std::vector<RestorationRow>> unended() override;
  asio::awaitable<std::vector<RestorationRow>> ended_before(std::int64_t moment) override;
  asio::awaitable<std::vector<RestorationMessage>> messages(std::string owner, std::string id, std::int64_t after) override;
  asio::awaitable<void> forget(std::string owner, std::string id) override;

 private:
  SqliteBroker::State& state_;
};

}  // namespace darkroom
