#pragma once
// A form with a file, as uploads send it (RFC 7578).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace darkroom {

struct MultipartBody {
  std::string content_type, body;
};

/// The fields stand before the file: a server may look at them first. Characters of `filename` that would end the header become "_".
MultipartBody multipart_body(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view file_field,
                             std::string_view filename, std::string_view bytes);

}  // namespace darkroom
