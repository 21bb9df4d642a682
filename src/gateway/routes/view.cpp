// GET /view: files of the input, output and temp folders, as they are, as previews or as single channels (protocol.md §3.6).
// GET /view_metadata/{folder}: the texts in the head of a safetensors file (§3.8).

#include <algorithm>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/safe_file.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"
#include "storage/safetensors_head.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

struct Found {
  int refused = 0;  ///< the status to answer with; 0: there is a file
  fs::path file;
  std::string name;
};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// Steps 1 to 4 of §3.6. Only the last part of the name is used; folders come by `subfolder` alone.
Found find_file(const Folders& folders, const std::string& written, const std::string& asked_type, const std::string* subfolder) {
  auto [name, mark] = split_annotation(written);
  if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) return {400};
  auto folder = folders.by_type(mark.empty() ? asked_type : mark);
  if (!folder) return {400};
  if (subfolder) {
    try {
      folder = resolve_inside(*folder, *subfolder);
    } catch (const Error&) {
      return {403};
    }
  }
  if (const auto slash = name.rfind('/'); slash != std::string::npos) name.erase(0, slash + 1);
  if (name.empty()) return {404};
  try {
    fs::path file = resolve_inside(*folder, name);
    if (!is_file(file)) return {404};
    return {0, std::move(file), std::move(name)};
  } catch (const Forbidden&) {
    return {403};
  } catch (const InvalidInput&) {
    return {400};
  }
}

struct Rendering {
  std::vector<std::string> arguments;  ///< of darkroom-picture; empty: the file as it is
  const char* content_type = "";
};

/// Steps 5 and 6: what `preview=FORMAT;QUALITY` and `channel=` ask for.
Rendering rendering_of(const std::string* preview, const std::string& channel) {
  if (preview) {
    const auto parts = split(*preview, ';');
    const bool jpeg = parts.front() == "jpeg" && channel.find('a') == std::string::npos;
    const std::string& last = parts.back();
    const bool number = !last.empty() && last.size() < 10 && std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
    Rendering rendering{{"preview", jpeg ? "jpeg" : "webp", number ? last : "90"}, jpeg ? "image/jpeg" : "image/webp"};
    if (channel == "rgb") rendering.arguments.push_back("rgb");
    return rendering;
  }
  if (channel == "rgb" || channel == "a") return {{"channel", channel}, "image/png"};
  return {};
}

asio::awaitable<Response> view(Request& request, Services& services) {
  const std::string* filename = request.query_value("filename");
  if (!filename) co_return Response::empty(404);
  const std::string type = request.query_or("type", "output");
  const std::string* subfolder = request.query_value("subfolder");
  const Found found = co_await services.pool.run([&] { return find_file(services.folders.of_user(request.who.user), *filename, type, subfolder); });
  if (found.refused) co_return Response::empty(found.refused);

  const Rendering rendering = rendering_of(request.query_value("preview"), request.query_or("channel", ""));
  if (rendering.arguments.empty()) co_return send_safely(found.file, found.name, request);
  std::string unreadable;
  try {
    Response response;
    response.body = co_await picture_helper_of(services).run(request.who.stranger(), rendering.arguments, found.file);
    response.header("Content-Type", rendering.content_type);
    response.header("Content-Disposition", content_disposition(found.name, false));
    response.header("X-Content-Type-Options", "nosniff");
    co_return response;
  } catch (const InvalidInput& fault) {
    unreadable = fault.what();
  }
  co_return Response::error(500, "unreadable_picture", "The file cannot be shown as a picture", unreadable);
}

asio::awaitable<Response> view_metadata(Request& request, Services& services) {
  const std::string* filename = request.query_value("filename");
  if (!filename || !filename->ends_with(".safetensors")) co_return Response::empty(404);
  // `..` leads no higher than the model folder, as it does at the root of a file system.
  const std::string name = fs::path("/" + *filename).lexically_normal().relative_path().string();
  const auto metadata = co_await services.pool.run([&]() -> std::optional<json::object> {
    try {
      const auto file = services.folders.find_model(request.param("folder"), name);
      return file ? safetensors_metadata(*file) : std::nullopt;
    } catch (const Error&) {
      return std::nullopt;
    }
  });
  co_return metadata ? Response::of_json(*metadata) : Response::empty(404);
}

}  // namespace

void add_view_routes(Router& router, Services& services) {
  router.add("GET", "/view", [&services](Request& request) { return view(request, services); });
  router.add("GET", "/view_metadata/{folder}", [&services](Request& request) { return view_metadata(request, services); });
}

}  // namespace darkroom
