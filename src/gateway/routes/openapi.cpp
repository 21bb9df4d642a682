// GET /openapi.json: what programs that make clients, or check servers, read.

#include "gateway/openapi.hpp"

#include "gateway/http.hpp"

namespace darkroom {

void add_openapi_routes(Router& router) {
  RouteOptions open;
  open.access = Access::kPublic;
  const auto made = std::make_shared<std::shared_ptr<const std::string>>();
  const Handler handler = [made](Request&) -> asio::awaitable<Response> {
    if (!*made) *made = std::make_shared<const std::string>(dump(json::value(openapi_document())));
    co_return Response::of_json_text(*made);
  };
  router.add("GET", "/openapi.json", handler, open);
}

}  // namespace darkroom
