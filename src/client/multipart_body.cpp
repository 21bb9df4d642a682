#include "client/multipart_body.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace darkroom {

MultipartBody multipart_body(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view file_field,
                             std::string_view filename, std::string_view bytes) {
  const std::string boundary = "darkroom-" + random_hex(32);
  std::string body;
  for (const auto& [name, value] : fields)
    body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary, name, value);
  std::string safe;
  for (const char c : filename) safe += c == '"' || c == '\\' || c == '\r' || c == '\n' ? '_' : c;
  body +=
      fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                  boundary, file_field, safe);
  body.append(bytes);
  body += fmt::format("\r\n--{}--\r\n", boundary);
  return {"multipart/form-data; boundary=" + boundary, std::move(body)};
}

}  // namespace darkroom
