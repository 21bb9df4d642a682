// Model folders and what lies in them (protocol.md §3.10).

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "gateway/stat_times.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"
#include "storage/safetensors_head.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: head of a .safetensors file in which a cover picture is looked for, bytes. Beyond: the model has no preview. Fixed: covers are
/// far smaller. Edge: test_model_previews.py::test_a_cover_at_the_limit_of_the_head.
constexpr std::size_t kMaxCoverHead = 16u << 20;

/// The folder of exactly this key: the older names `unet` and `clip` are none (protocol.md §3.10).
const ModelFolder* exact_folder(const Folders& folders, std::string_view key) {
  for (const auto& folder : folders.models)
    if (folder.key == key) return &folder;
  return nullptr;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

json::array embeddings(const Folders& folders) {
  json::array names;
  for (const auto& name : folders.list_models("embeddings")) names.emplace_back((fs::path(name).parent_path() / fs::path(name).stem()).string());
  return names;
}

json::array folder_list(const Folders& folders) {
  json::array list;
  for (const auto& folder : folders.models) {
    if (folder.key == "configs" || folder.key == "custom_nodes") continue;
    json::array paths;
    for (const auto& path : folder.paths) paths.emplace_back(path.string());
    list.push_back(json::object{{"name", folder.key}, {"folders", std::move(paths)}});
  }
  return list;
}

json::array file_list(const Folders& folders, const std::string& key) {
  json::array list;
  for (const auto& file : folders.model_files(key)) {
    struct stat info {};
    if (::stat(file.file.c_str(), &info) != 0) continue;  // gone since the folder was read
    list.push_back(json::object{{"name", file.name},
                                {"pathIndex", file.path_index},
                                {"modified", seconds_of(info.st_mtim)},
                                {"created", seconds_of(info.st_ctim)},
                                {"size", static_cast<std::int64_t>(info.st_size)}});
  }
  return list;
}

/// A picture beside the model: `NAME.png`, `NAME.preview.png`.
std::optional<fs::path> picture_beside(const fs::path& model) {
  const fs::path stem = model.parent_path() / model.stem();
  for (const char* middle : {"", ".preview"})
    for (const char* ending : {".png", ".jpg", ".jpeg", ".webp", ".gif"}) {
      std::error_code ignored;
      const fs::path candidate = stem.string() + middle + ending;
      if (fs::is_regular_file(candidate, ignored)) return fs::canonical(candidate, ignored);
    }
  return std::nullopt;
}

std::string decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return out;
}

/// The first of `ssmd_cover_images`, a JSON list of base64 texts in the head of a safetensors file.
std::optional<std::string> cover_inside(const fs::path& model) {
  const auto metadata = safetensors_metadata(model, kMaxCoverHead);
  const auto written = metadata ? find_string(*metadata, "ssmd_cover_images") : std::nullopt;
  if (!written) return std::nullopt;
  try {
    const json::value list = parse_json(*written);
    const json::array* covers = list.if_array();
    if (covers && !covers->empty() && covers->front().is_string()) return decode_base64(covers->front().get_string());
  } catch (const Error&) {
    // no list: no cover
  }
  return std::nullopt;
}

std::optional<fs::path> model_at(const Folders& folders, const Request& request) {
  const ModelFolder* folder = exact_folder(folders, request.param("folder"));
  const std::string& index_text = request.param("index");
  const std::string& name = request.param("file");
  std::size_t index = 0;
  const auto [end, fault] = std::from_chars(index_text.data(), index_text.data() + index_text.size(), index);
  if (!folder || fault != std::errc() || end != index_text.data() + index_text.size() || index >= folder->paths.size()) return std::nullopt;
  try {
    if (!folders.find_model(folder->key, name)) return std::nullopt;  // also refuses ways out
  } catch (const Forbidden&) {
    return std::nullopt;
  }
  std::error_code ignored;
  const fs::path file = folder->paths[index] / name;
  return fs::is_regular_file(file, ignored) ? std::optional(file) : std::nullopt;
}

asio::awaitable<Response> preview(Request& request, Services& services) {
  std::unique_ptr<PartFile> unpacked;
  const auto picture = co_await services.pool.run([&]() -> std::optional<fs::path> {
    const auto model = model_at(services.folders, request);
    if (!model) return std::nullopt;
    if (auto beside = picture_beside(*model)) return beside;
    const auto cover = cover_inside(*model);
    if (!cover) return std::nullopt;
    unpacked = std::make_unique<PartFile>(services.folders.temp);
    unpacked->write(*cover);
    return unpacked->path();
  });
  if (!picture) co_return Response::empty(404);
  const std::vector<std::string> arguments{"preview", "webp", "90"};
  try {
    Response response;
    response.body = co_await picture_helper_of(services).run(request.who.stranger(), arguments, *picture);
    response.header("Content-Type", "image/webp");
    co_return response;
  } catch (const InvalidInput&) {
    // a file of that name that is no picture
  }
  co_return Response::empty(404);
}

}  // namespace

void add_models_routes(Router& router, Services& services) {
  const Folders& folders = services.folders;
  router.add("GET", "/models", [&folders](Request&) -> asio::awaitable<Response> {
    json::array keys;
    for (const auto& folder : folders.models) keys.emplace_back(folder.key);
    co_return Response::of_json(keys);
  });
  router.add("GET", "/models/{folder}", [&services, &folders](Request& request) -> asio::awaitable<Response> {
    const std::string key = request.param("folder");
    if (!exact_folder(folders, key)) co_return Response::empty(404);
    co_return co_await services.pool.run([&] { return Response::of_json(texts(folders.list_models(key))); });
  });
  router.add("GET", "/embeddings", [&services, &folders](Request&) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return Response::of_json(embeddings(folders)); });
  });
  router.add("GET", "/experiment/models",
             [&folders](Request&) -> asio::awaitable<Response> { co_return Response::of_json(folder_list(folders)); });
  router.add("GET", "/experiment/models/{folder}", [&services, &folders](Request& request) -> asio::awaitable<Response> {
    const std::string key = request.param("folder");
    if (!exact_folder(folders, key)) co_return Response::empty(404);
    co_return co_await services.pool.run([&] { return Response::of_json(file_list(folders, key)); });
  });
  router.add("GET", "/experiment/models/preview/{folder}/{index}/{file...}",
             [&services](Request& request) { return preview(request, services); });
}

}  // namespace darkroom
