// GET /results/{id}/{name} (docs/restore-api.md): originals, results as PNG, JPEG or WebP, and pictures of the work so far.

#include <filesystem>

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
std::string download_name(const restoration::Facts& facts, std::string_view ending) {
  std::string stem = fs::path(facts.client_name).stem().string();
  if (stem.empty() || !is_valid_utf8(stem)) stem = "photo";
  return stem + " restored." + std::string(ending);
}

asio::awaitable<Response> result(const restoration::Facts& facts, Request& request, Services& services) {
  if (!facts.result.there()) co_return unknown();
  const std::string there = ending_after_dot(facts.result.name);
  const std::string* asked = request.query_value("format");
  const std::string wanted = format_of(asked ? *asked : ending_after_dot(request.param("name")));
  if (wanted.empty()) co_return refused({"bad_format", "format must be png, jpeg or webp"});
  const std::string name = download_name(facts, wanted == "jpeg" ? "jpg" : wanted);
  const bool attachment = request.query_or("download", "") == "1";
  auto find = [&] { return path_of(services.folders.of_user(facts.owner), facts.result); };
  const fs::path file = co_await services.pool.run(std::move(find));
  if (wanted == format_of(there)) {
    Response response = send_safely(file, name, request, attachment);
    response.header("Cache-Control", kPrivate);
    co_return response;
  }
  const std::vector<std::string> arguments{"convert", wanted};
  std::string bytes = co_await picture_helper_of(services).run(arguments, file);
  Response response = picture(std::move(bytes), "image/" + wanted);
  response.header("Content-Disposition", content_disposition(name, attachment));
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
  if (name != "original") co_return co_await result(*facts, request, services);
  if (!facts->original.there()) co_return unknown();
  auto find = [&] { return path_of(services.folders.of_user(facts->owner), facts->original); };
  const fs::path file = co_await services.pool.run(std::move(find));
  Response response = send_safely(file, file.filename().string(), request, request.query_or("download", "") == "1");
  response.header("Cache-Control", kPrivate);
  co_return response;
}

}  // namespace

void add_result_routes(Router& router, Services& services) {
  router.add("GET", "/results/{id}/{name}", [&services](Request& request) { return get_result(request, services); });
}

}  // namespace darkroom
