#pragma once
// Assets of API v2: files that users uploaded (rows in the database, bytes in their input folder) and results of their jobs
// (asset_ids.hpp). Everybody sees their own alone.

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "broker/asset_store.hpp"
#include "gateway/v2/asset_ids.hpp"

namespace darkroom {
class Folders;
struct Request;
struct Services;
}  // namespace darkroom

namespace darkroom::v2 {

/// Where files of uploads are, below the input folder.
inline constexpr const char* kAssetFolder = "assets";

struct Asset {
  std::string id, hash, content_type, file_path, job_id;  ///< hash: "" where nobody has computed it
  std::int64_t size = 0, created = 0;
  std::filesystem::path file;
  std::string reference;  ///< what a node's input takes
};

/// The asset of this id; nothing when this user has none, or its file is gone.
asio::awaitable<std::optional<Asset>> find_asset(Services& services, std::string user, std::string id);
/// A result that lies in these folders; nothing when it is gone. Blocks for a moment.
std::optional<Asset> result_asset(const Folders& folders, const ResultFile& file);
/// The body of a reply. `created_new`: only of replies that make one.
json::object asset_json(const Asset& asset, const Request& request, std::optional<bool> created_new = std::nullopt);

}  // namespace darkroom::v2
