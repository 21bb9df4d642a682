#include "gateway/v2/assets.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "gateway/v2/reply.hpp"
#include "storage/folders.hpp"

namespace darkroom::v2 {

namespace fs = std::filesystem;

namespace {

/// Size and time of change of a plain file.
struct FileFacts {
  std::int64_t size = 0, changed = 0;
};

std::optional<FileFacts> facts_of(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return FileFacts{info.st_size, std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000};
}

std::optional<Asset> uploaded(const Folders& folders, const AssetRow& row) {
  Asset asset{.id = row.id,
              .hash = row.hash,
              .content_type = row.content_type,
              .file_path = row.file_path,
              .size = row.size,
              .created = row.created,
              .file = resolve_inside(folders.input, row.file),
              .reference = row.file};
  if (!facts_of(asset.file)) return std::nullopt;
  return asset;
}

}  // namespace

std::optional<Asset> result_asset(const Folders& folders, const ResultFile& file) {
  try {
    const auto root = folders.by_type(file.type);
    if (!root || file.filename.empty() || file.filename.find('/') != std::string::npos) return std::nullopt;
    Asset asset{.id = id_of(file), .content_type = content_type_of(file.filename), .file_path = file.filename, .job_id = file.job_id};
    asset.file = resolve_inside(file.subfolder.empty() ? *root : resolve_inside(*root, file.subfolder), file.filename);
    const auto facts = facts_of(asset.file);
    if (!facts) return std::nullopt;
    asset.size = facts->size;
    asset.created = facts->changed;
    asset.reference = (file.subfolder.empty() ? "" : file.subfolder + "/") + file.filename + " [" + file.type + "]";
    return asset;
  } catch (const Error&) {  // a name that leads out of its folder
    return std::nullopt;
  }
}

asio::awaitable<std::optional<Asset>> find_asset(Services& services, std::string user, std::string id) {
  const Folders folders = services.folders.of_user(user);
  const auto result = result_of(id);
  if (result) co_return co_await services.pool.run([&] { return result_asset(folders, *result); });
  const auto row = co_await services.assets->find(user, id);
  if (!row) co_return std::nullopt;
  co_return co_await services.pool.run([&] { return uploaded(folders, *row); });
}

json::object asset_json(const Asset& asset, const Request& request, std::optional<bool> created_new) {
  json::object out{{"id", asset.id},
                   {"hash", asset.hash.empty() ? json::value() : json::value(asset.hash)},
                   {"size_bytes", asset.size},
                   {"content_type", asset.content_type},
                   {"file_path", asset.file_path},
                   {"created_at", time_text(asset.created)},
                   {"url", base_address(request) + "/api/v2/assets/" + asset.id + "/content"},
                   {"url_expires_at", a_year_after(now_ms())},  // it does not: clients want a time
                   {"expires_at", nullptr}};
  if (!asset.job_id.empty()) out.emplace("job_id", asset.job_id);
  if (created_new) out.emplace("created_new", *created_new);
  return out;
}

}  // namespace darkroom::v2
