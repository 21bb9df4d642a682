#pragma once
// Refusals before a handler has the request, in the form that clients of its interface read.

#include <string>
#include <string_view>

#include "gateway/http.hpp"

namespace darkroom {

/// Replies of the photo service have their code beside the text, those of /v1 and /api/v2 what their clients read, those of ComfyUI's
/// routes an object.
Response refusal(const Request& request, int status, const char* code, const std::string& why);
/// 413 for a body over the limit: ComfyUI's is plain text.
Response too_long(const Request& request, const std::string& why);

/// Every route is also there below /api, some of them twice.
std::string_view without_api(std::string_view path);

}  // namespace darkroom
