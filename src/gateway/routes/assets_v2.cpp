// /api/v2/assets (docs/api-v2.md): uploads that are known by their bytes, and results, as API v2 names them.

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_wishes.hpp"
#include "gateway/pool.hpp"
#include "gateway/receive_form.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/safe_file.hpp"
#include "gateway/services.hpp"
#include "gateway/v2/asset_form.hpp"
#include "gateway/v2/assets.hpp"
#include "gateway/v2/reply.hpp"
#include "storage/folders.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

using v2::Asset;
using v2::Refusal;

constexpr std::string_view kHashMark = "blake3:";
constexpr std::size_t kHashDigits = 64;

/// "blake3:" and 64 digits, in lower case. Throws Refusal.
std::string hash_of(std::string_view given) {
  const std::string hash = lower(given);
  const std::string_view digits = std::string_view(hash).substr(std::min(hash.size(), kHashMark.size()));
  const bool good =
      hash.starts_with(kHashMark) && digits.size() == kHashDigits && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!good) throw Refusal(400, "invalid_request", "A hash is blake3: and 64 hexadecimal digits");
  return hash;
}

bool is_media_type(std::string_view text) {
  return text.size() <= 127 && std::count(text.begin(), text.end(), '/') == 1 && text.front() != '/' && text.back() != '/' &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) || std::string_view("/.+-_!#$&^;= ").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

Response created(const Asset& asset, const Request& request, bool is_new, bool new_record) {
  return Response::of_json(v2::asset_json(asset, request, is_new), new_record ? 201 : 200);
}

/// Where the files of a user's assets are, in its input folder: those who share the folder share no files, so that nobody deletes
/// another's.
std::string asset_folder(const std::string& owner) {
  const bool shared = room_of(owner) == kLocalUser && owner != kLocalUser;
  return shared ? std::string(v2::kAssetFolder) + "/" + sha256_hex(owner).substr(0, 16) : v2::kAssetFolder;
}

/// The row of an upload, its file in place.
AssetRow kept(v2::AssetForm& form, const std::string& owner, const fs::path& input) {
  const std::string name = v2::plain_name(form.text("file_path").empty() ? form.filename() : form.text("file_path"));
  const std::string hash = form.hash(), type = form.text("content_type");
  AssetRow row{.id = uuid4(),
               .owner = owner,
               .hash = hash,
               .size = form.size(),
               .content_type = is_media_type(type) ? type : content_type_of(name),
               .file_path = name,
               .file = asset_folder(owner) + "/" + hash.substr(kHashMark.size()) + v2::plain_ending(name),
               .created = now_ms()};
  form.file().place(input / row.file, true);  // a file of this name has the same bytes
  return row;
}

asio::awaitable<Response> upload(Request& request, Services& services) {
  const auto key = submission_key_of(request, "/api/v2/assets");
  if (key) {
    const bool used = co_await services.assets->has_key(request.who.user, key->key);
    if (used) throw Refusal(422, "idempotency_key_reuse", "This Idempotency-Key has made an asset already");
  }
  const fs::path input = services.folders.of_user(request.who.user).input;
  v2::AssetForm form(input / asset_folder(request.who.user));
  co_await receive_form(request, services, form);
  if (!form.has_file()) throw Refusal(400, "invalid_request", "The form has no file in a part named file");
  const std::string hash = form.hash(), expected = form.text("expected_hash");
  if (!expected.empty() && hash_of(expected) != hash)
    throw Refusal(409, "hash_mismatch", "The bytes have another hash than expected_hash: " + hash);
  const auto same = co_await services.assets->find_by_hash(request.who.user, hash);
  const bool known = same.has_value();
  AssetRow row = co_await services.pool.run([&] { return kept(form, request.who.user, input); });
  if (key) row.submission_key = key->key;
  const std::string id = row.id;
  bool taken = false;
  try {
    co_await services.assets->add(std::move(row));
  } catch (const Conflict&) {  // by an upload that came in the same moment
    taken = true;
  }
  if (taken) throw Refusal(422, "idempotency_key_reuse", "This Idempotency-Key has made an asset already");
  const auto asset = co_await v2::find_asset(services, request.who.user, id);
  if (!asset) throw Refusal(503, "unavailable", "The file is gone already");
  co_return created(*asset, request, !known, !known);
}

/// A record over bytes that this user has sent before.
asio::awaitable<Response> from_hash(Request& request, Services& services) {
  const auto body = object_body(request);
  if (!body) throw Refusal(400, "invalid_request", "The body must be a JSON object");
  const std::string hash = hash_of(string_or(*body, "hash", "")), name = v2::plain_name(string_or(*body, "file_path", ""));
  const std::string user = request.who.user;
  const auto same = co_await services.assets->find_reference(user, hash, name);
  if (same) {
    const auto asset = co_await v2::find_asset(services, user, same->id);
    if (asset) co_return created(*asset, request, false, false);
  }
  auto row = co_await services.assets->find_by_hash(user, hash);
  std::optional<Asset> source;
  if (row) source = co_await v2::find_asset(services, user, row->id);
  if (!source) throw Refusal(404, "blob_not_found", "No bytes of this hash are here");
  row->id = uuid4();
  row->file_path = name;
  row->content_type = content_type_of(name) == "application/octet-stream" ? source->content_type : content_type_of(name);
  row->created = now_ms();
  row->submission_key.clear();
  const std::string id = row->id;
  co_await services.assets->add(std::move(*row));
  const auto asset = co_await v2::find_asset(services, user, id);
  if (!asset) throw Refusal(404, "blob_not_found", "No bytes of this hash are here");
  co_return created(*asset, request, false, true);
}

asio::awaitable<Asset> wanted(Request& request, Services& services) {
  auto asset = co_await v2::find_asset(services, request.who.user, request.param("id"));
  if (!asset) throw Refusal(404, "not_found", "There is no such asset");
  co_return std::move(*asset);
}

asio::awaitable<Response> by_hash(Request& request, Services& services) {
  const std::string hash = hash_of(request.param("hash"));
  const auto row = co_await services.assets->find_by_hash(request.who.user, hash);
  std::optional<Asset> asset;
  if (row) asset = co_await v2::find_asset(services, request.who.user, row->id);
  if (!asset) throw Refusal(404, "blob_not_found", "No bytes of this hash are here");
  co_return Response::of_json(v2::asset_json(*asset, request));
}

asio::awaitable<Response> show(Request& request, Services& services) {
  const Asset asset = co_await wanted(request, services);
  co_return Response::of_json(v2::asset_json(asset, request));
}

asio::awaitable<Response> content(Request& request, Services& services) {
  const Asset asset = co_await wanted(request, services);
  Response response = send_safely(asset.file, asset.file_path, request);
  if (!is_active_type(asset.content_type) && !is_active_type(content_type_of(asset.file_path)))
    response.file->content_type = asset.content_type;
  co_return response;
}

/// Does a job of this user wait or run that names it?
asio::awaitable<bool> is_in_use(Services& services, std::string user, std::string id) {
  const QueueView view = co_await services.jobs.broker().queue(std::move(user));
  const auto names = [&](const auto& job) { return job->terms.find('"' + id + '"') != std::string::npos; };
  co_return std::ranges::any_of(view.running, names) || std::ranges::any_of(view.pending, names);
}

asio::awaitable<Response> remove(Request& request, Services& services) {
  const Asset asset = co_await wanted(request, services);
  const std::string user = request.who.user;
  const bool in_use = co_await is_in_use(services, user, asset.id);
  if (in_use) throw Refusal(409, "asset_in_use", "A job that waits or runs needs this asset");
  bool file_is_free = true;
  if (!v2::result_of(asset.id)) {
    const AssetStore::Removed removed = co_await services.assets->remove(user, asset.id);
    file_is_free = removed.file_is_free;
  }
  if (file_is_free)
    co_await services.pool.run([&] {
      std::error_code ignored;
      fs::remove(asset.file, ignored);
    });
  co_return Response::empty(204);
}

}  // namespace

void add_assets_v2_routes(Router& router, Services& services) {
  RouteOptions plain;
  plain.api_too = false;
  RouteOptions streamed = plain;
  streamed.streams_body = true;
  using Work = asio::awaitable<Response> (*)(Request&, Services&);
  const auto add = [&](const char* method, const char* path, Work work, const RouteOptions& options) {
    router.add(
        method, path, [&services, work](Request& request) { return v2::guarded(work(request, services)); }, options);
  };
  add("GET", "/api/v2/assets/by-hash/{hash}", by_hash, plain);
  add("POST", "/api/v2/assets/from-hash", from_hash, plain);
  add("POST", "/api/v2/assets", upload, streamed);
  add("GET", "/api/v2/assets/{id}", show, plain);
  add("DELETE", "/api/v2/assets/{id}", remove, plain);
  add("GET", "/api/v2/assets/{id}/content", content, plain);
}

}  // namespace darkroom
