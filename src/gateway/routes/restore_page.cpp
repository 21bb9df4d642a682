// The photo page (web/): /restore and its files under /restore/assets; /login, which asks for a token before any other page. What it asks the server for is the restoration service's business.

#include <system_error>

#include "base/error.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"
#include "storage/project_folder.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Scripts, styles and connections of this server only, none of them inline; pictures also from the visitor's own files (blob:).
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

constexpr const char* kNoPage = "The photo page is not installed: the folder web/ of the project was not found above this program.";

Response page(const fs::path& web, const char* name) {
  if (web.empty()) return Response::text(404, kNoPage);
  return Response::of_file((web / name).string(), "text/html; charset=utf-8")
      .header("Cache-Control", "no-cache")
      .header("Content-Security-Policy", kPolicy)
      .header("Referrer-Policy", "same-origin")
      .header("X-Content-Type-Options", "nosniff");
}

Response asset(const fs::path& web, const std::string& path) {
  try {
    const fs::path file = web.empty() ? fs::path() : resolve_inside(web / "assets", path);
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored))
      return Response::of_file(file.string(), content_type_of(file.filename().string())).header("X-Content-Type-Options", "nosniff");
  } catch (const Error&) {
    // a name that leaves the folder is not there
  }
  return Response::empty(404);
}

}  // namespace

void add_restore_page_routes(Router& router, Services& services) {
  RouteOptions only_here;
  only_here.api_too = false;
  only_here.access = Access::kPublic;  // the page asks for a login itself
  RouteOptions files = only_here;
  files.static_files = true;
  const fs::path web = project_folder("web", "assets/main.js");

  const auto serve = [&services, web](const char* name) -> Handler {
    return [&services, web, name](Request&) -> asio::awaitable<Response> { co_return co_await services.pool.run([&] { return page(web, name); }); };
  };
  // Addresses of the page are relative to /restore, so that it also works below a path of a proxy.
  const Handler without_slash = [](Request&) -> asio::awaitable<Response> {
    co_return Response::empty(308).header("Location", "../restore");
  };
  const Handler file = [&services, web](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return asset(web, request.param("path")); });
  };
  router.add("GET", "/restore", serve("index.html"), only_here);
  router.add("GET", "/login", serve("login.html"), only_here);
  router.add("GET", "/restore/", without_slash, only_here);
  router.add("GET", "/restore/assets/{path...}", file, files);
}

}  // namespace darkroom
