#pragma once
// The table of assets (sql/005_terms_and_assets.sql).

#include <optional>
#include <string>

#include "broker/asset_store.hpp"

namespace darkroom {

class Database;

/// Throws Conflict where an asset younger than kKeyLifeMs has its submission key; an older one loses it.
void insert_asset(Database& database, const AssetRow& row);
std::optional<AssetRow> find_asset(Database& database, const std::string& owner, const std::string& id);
std::optional<AssetRow> find_asset_by_hash(Database& database, const std::string& owner, const std::string& hash);
std::optional<AssetRow> find_asset_reference(Database& database, const std::string& owner, const std::string& hash,
                                             const std::string& file_path);
/// `now`: ms since 1970.
bool asset_key_is_taken(Database& database, const std::string& owner, const std::string& key, std::int64_t now);
AssetStore::Removed delete_asset(Database& database, const std::string& owner, const std::string& id);

}  // namespace darkroom
