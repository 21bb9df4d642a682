// GET /results/{id}/{name} (docs/restore-api.md): originals, results as PNG, JPEG or WebP, both beside each other, and pictures of the work
// so far.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/restoration_desk.hpp"
#include "gateway/restoration_files.hpp"
#include "gateway/routes/restore_reply.hpp"
#include "gateway/safe_file.hpp"
#include "gateway/services.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Somebody's photographs: no cache between keeps them, and after a deletion nobody gets them from one.
constexpr const char* kPrivate = "private, no-cache";

Response picture(std::string bytes, std::string_view type) {
  Response response;
  response.body = std::move(bytes);
  response.header("Content-Type", std::string(type));
  response.header("Cache-Control", "no-store");
  response.header("X-Content-Type-Options", "nosniff");
  return response;
}

/// "png", "jpeg" or "webp" for a format or an ending; "" for others.
std::string format_of(std::string_view word) {
  const std::string low = lower(word);
  if (low == "jpg" || low == "jpeg") return "jpeg";
  return low == "png" || low == "webp" ? low : "";
}

std::string ending_after_dot(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(name.substr(dot + 1));
}

/// "grandma.jpg" → "grandma restored.webp": what a browser saves it as.
std::string download_name(const restoration::Facts& facts, std::string_view what, std::string_view format) {
  std::string stem = fs::path(facts.client_name).stem().string();
  if (stem.empty() || !is_valid_utf8(stem)) stem = "photo";
  return stem + " " + std::string(what) + "." + (format == "jpeg" ? "jpg" : std::string(format));
}

Response bad_format() { return refused({"bad_format", "format must be png, jpeg or webp"}); }

bool wants_download(Request& request) { return request.query_or("download", "") == "1"; }

/// What darkroom-picture makes of one file or two (`task`: "convert", "beside") in a format, to be shown or saved as `name`.
asio::awaitable<Response> made(const std::string& task, const std::string& format, const fs::path& file, const fs::path& second,
                               const std::string& name, Request& request, Services& services) {
  const std::vector<std::string> arguments{task, format};
  std::string bytes = co_await picture_helper_of(services).run(request.who.stranger(), arguments, file, second);
  Response response = picture(std::move(bytes), "image/" + format);
  response.header("Content-Disposition", content_disposition(name, wants_download(request)));
  co_return response;
}

asio::awaitable<Response> result(const restoration::Facts& facts, const std::string& wanted, Request& request, Services& services) {
  const std::string name = download_name(facts, "restored", wanted), task = "convert";
  auto find = [&] { return path_of(services.folders.of_user(facts.owner), facts.result); };
  const fs::path file = co_await services.pool.run(std::move(find));
  if (wanted == format_of(ending_after_dot(facts.result.name))) {
    Response response = send_safely(file, name, request, wants_download(request));
    response.header("Cache-Control", kPrivate);
    co_return response;
  }
  const fs::path none;
  co_return co_await made(task, wanted, file, none, name, request, services);
}

asio::awaitable<Response> beside(const restoration::Facts& facts, const std::string& wanted, Request& request, Services& services) {
  auto find = [&] { return std::pair(path_of(services.folders.of_user(facts.owner), facts.original), path_of(services.folders.of_user(facts.owner), facts.result)); };
  const auto files = co_await services.pool.run(std::move(find));
  const std::string name = download_name(facts, "before and after", wanted), task = "beside";
  co_return co_await made(task, wanted, files.first, files.second, name, request, services);
}

asio::awaitable<Response> original(const restoration::Facts& facts, Request& request, Services& services) {
  auto find = [&] { return path_of(services.folders.of_user(facts.owner), facts.original); };
  const fs::path file = co_await services.pool.run(std::move(find));
  if (const std::string* asked = request.query_value("format")) {
    const std::string wanted = format_of(*asked);
    if (wanted.empty()) co_return bad_format();
    const std::string name = download_name(facts, "original", wanted), task = "convert";
    const fs::path none;
    co_return co_await made(task, wanted, file, none, name, request, services);
  }
  Response response = send_safely(file, file.filename().string(), request, wants_download(request));
  response.header("Cache-Control", kPrivate);
  co_return response;
}

asio::awaitable<Response> get_result(Request& request, Services& services) {
  const std::string owner = request.who.user, id = request.param("id"), &name = request.param("name");
  if (name == "preview" || name == "attention") {
    const auto live = services.restorations->live(owner, id);
    const std::string* bytes = !live ? nullptr : name == "preview" ? &live->preview : &live->attention;
    if (!bytes || bytes->empty()) co_return unknown();
    co_return picture(*bytes, bytes->starts_with("\x89PNG") ? "image/png" : "image/jpeg");
  }
  const auto facts = co_await services.restorations->find(owner, id);
  if (!facts) co_return unknown();
  if (name == "original") {
    if (!facts->original.there()) co_return unknown();
    co_return co_await original(*facts, request, services);
  }
  if (!facts->result.there()) co_return unknown();
  const std::string* asked = request.query_value("format");
  const std::string wanted = format_of(asked ? *asked : ending_after_dot(name));
  if (wanted.empty()) co_return bad_format();
  if (!name.starts_with("side-by-side.")) co_return co_await result(*facts, wanted, request, services);
  if (!facts->original.there()) co_return unknown();
  co_return co_await beside(*facts, wanted, request, services);
}

}  // namespace

void add_result_routes(Router& router, Services& services) {
  router.add("GET", "/results/{id}/{name}", [&services](Request& request) { return get_result(request, services); });
}

}  // namespace darkroom
