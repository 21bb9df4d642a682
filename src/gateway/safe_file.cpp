#include "gateway/safe_file.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "storage/folders.hpp"

namespace darkroom {

std::string content_disposition(std::string_view name, bool attachment) {
  std::string out = attachment ? "attachment; filename=\"" : "filename=\"";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) continue;  // a line end here would begin a header of the name's choice
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_active_type(std::string_view content_type) {
  const std::string type = lower(trim(content_type.substr(0, content_type.find(';'))));
  static constexpr std::string_view kActive[] = {"text/html",       "text/html-sandboxed",    "text/javascript", "text/css",
                                                 "text/xml",        "text/xsl",               "application/xml", "application/xhtml+xml",
                                                 "application/javascript", "application/ecmascript", "application/x-javascript", "application/wasm",
                                                 "application/pdf", "multipart/x-mixed-replace"};
  return std::find(std::begin(kActive), std::end(kActive), type) != std::end(kActive) || type.ends_with("+xml");
}

Response send_safely(const std::filesystem::path& file, std::string_view name, const Request& request, bool attachment) {
  std::string type = content_type_of(name);
  const bool active = is_active_type(type);
  const bool shown_as_picture = type == "image/svg+xml" && request.header("sec-fetch-dest") == "image";
  if (active && !shown_as_picture) type = "application/octet-stream";
  Response response = Response::of_file(file.string(), type);
  response.header("Content-Disposition", content_disposition(name, attachment || active));
  response.header("X-Content-Type-Options", "nosniff");
  if (active) {
    response.header("Cache-Control", "no-store");
    response.header("Vary", "Sec-Fetch-Dest");
    response.header("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
  }
  return response;
}

}  // namespace darkroom
