#pragma once
// The OpenAPI document of the server's own routes, put together of the files in openapi/: one for each group of routes.

#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

class Router;

/// A file of openapi/, compiled in.
struct OpenApiPart {
  std::string_view name, text;
};
const std::vector<OpenApiPart>& embedded_openapi();

/// The document, with this server's version. Throws InternalError when two parts say different things of the same.
json::object openapi_document();

void add_openapi_routes(Router& router);  // routes/openapi.cpp: /openapi.json

}  // namespace darkroom
