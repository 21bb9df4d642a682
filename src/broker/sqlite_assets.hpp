#pragma once
// AssetStore in the broker's database: private to the broker.

#include "broker/asset_store.hpp"
#include "broker/sqlite_state.hpp"

namespace darkroom {

class SqliteAssets final : public AssetStore {
 public:
  explicit SqliteAssets(SqliteBroker::State& state) : state_(state) {}

  asio::awaitable<void> add(AssetRow row) override;
  asio::awaitable<std::optional<AssetRow>> find(std::string owner, std::string id) override;
  asio::awaitable<std::optional<AssetRow>> find_by_hash(std::string owner, std::string hash) override;
  asio::awaitable<std::optional<AssetRow>> find_reference(std::string owner, std::string hash, std::string file_path) override;
  asio::awaitable<bool> has_key(std::string owner, std::string submission_key) override;
  asio::awaitable<Removed> remove(std::string owner, std::string id) override;

 private:
  SqliteBroker::State& state_;
};

}  // namespace darkroom
