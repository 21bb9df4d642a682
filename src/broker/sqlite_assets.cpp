#include "broker/sqlite_assets.hpp"

#include "base/text.hpp"
#include "broker/assets_table.hpp"

namespace darkroom {

asio::awaitable<void> SqliteAssets::add(AssetRow row) {
  std::function<void(Database&)> apply = [row = std::move(row)](Database& writing) { insert_asset(writing, row); };
  co_await state_.write(std::move(apply));
}

asio::awaitable<std::optional<AssetRow>> SqliteAssets::find(std::string owner, std::string id) {
  auto query = [owner, id](Database& reading) { return find_asset(reading, owner, id); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::optional<AssetRow>> SqliteAssets::find_by_hash(std::string owner, std::string hash) {
  auto query = [owner, hash](Database& reading) { return find_asset_by_hash(reading, owner, hash); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::optional<AssetRow>> SqliteAssets::find_reference(std::string owner, std::string hash, std::string file_path) {
  auto query = [owner, hash, file_path](Database& reading) { return find_asset_reference(reading, owner, hash, file_path); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<bool> SqliteAssets::has_key(std::string owner, std::string submission_key) {
  auto query = [owner, submission_key](Database& reading) { return asset_key_is_taken(reading, owner, submission_key, now_ms()); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<AssetStore::Removed> SqliteAssets::remove(std::string owner, std::string id) {
  auto removed = std::make_shared<Removed>();
  std::function<void(Database&)> apply = [removed, owner, id](Database& writing) { *removed = delete_asset(writing, owner, id); };
  co_await state_.write(std::move(apply));
  co_return *removed;
}

}  // namespace darkroom
