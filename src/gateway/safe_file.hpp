#pragma once
// Files that somebody uploaded, sent so that a browser never runs them: types that are pages, scripts, styles or XML go out as
// downloads (protocol.md §12).

#include <filesystem>
#include <string>
#include <string_view>

#include "gateway/http.hpp"

namespace darkroom {

/// `filename="NAME"`, with `attachment; ` in front where asked. Quotes and backslashes are escaped, control characters left out.
std::string content_disposition(std::string_view name, bool attachment);

/// Would a browser run it, or render it as a page? By content type, parameters ignored.
bool is_active_type(std::string_view content_type);

/// `file` under the name that the client knows. `attachment` forces a download also for harmless types.
/// An SVG asked for by an <img> (`Sec-Fetch-Dest: image`) keeps its type, since scripts don't run there.
Response send_safely(const std::filesystem::path& file, std::string_view name, const Request& request, bool attachment = false);

}  // namespace darkroom
