// GET /object_info, /object_info/{class} (protocol.md §10) and /node_replacements (§12).

#include "base/error.hpp"
#include "gateway/http.hpp"
#include "gateway/middleware.hpp"
#include "gateway/pack_schemas.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"

namespace darkroom {

namespace {

Response not_yet(const Unavailable& why) { return Response::error(503, "no_node_classes", "The server is starting", why.what()); }

asio::awaitable<Response> all_classes(Request& request, Services& services) {
  co_await refresh_schemas(services);
  const SchemaStore::Info info = co_await services.pool.run([&] { return services.schemas.info(request.who.user); });
  const bool zipped = accepts_gzip(request.header("accept-encoding"));
  // One tag for each form of the body, as RFC 9110 wants it.
  const std::string etag = zipped ? info.etag.substr(0, info.etag.size() - 1) + "-gzip\"" : info.etag;
  if (request.header("if-none-match") == etag) {
    Response unchanged = Response::empty(304);
    unchanged.header("ETag", etag);
    unchanged.header("Vary", "Accept-Encoding");
    co_return unchanged;
  }
  Response response = Response::of_json_text(zipped ? info.gzip : info.text);
  if (zipped) response.header("Content-Encoding", "gzip");
  response.header("ETag", etag);
  response.header("Vary", "Accept-Encoding");
  co_return response;
}

asio::awaitable<Response> one_class(Request& request, Services& services) {
  const std::string name = request.param("class");
  co_await refresh_schemas(services, name);
  co_return co_await services.pool.run([&] { return Response::of_json(services.schemas.info_of(request.who.user, name)); });
}

/// A route that needs the node classes: 503 while there are none.
Handler with_classes(Services& services, asio::awaitable<Response> (*route)(Request&, Services&)) {
  return [&services, route](Request& request) -> asio::awaitable<Response> {
    std::optional<Response> refused;
    try {
      co_return co_await route(request, services);
    } catch (const Unavailable& why) {
      refused = not_yet(why);
    }
    co_return std::move(*refused);
  };
}

}  // namespace

void add_object_info_routes(Router& router, Services& services) {
  router.add("GET", "/object_info", with_classes(services, all_classes));
  router.add("GET", "/object_info/{class}", with_classes(services, one_class));
  // No class of this server has replaced another.
  router.add("GET", "/node_replacements", [](Request&) -> asio::awaitable<Response> { co_return Response::of_json(json::object{}); });
}

}  // namespace darkroom
