#pragma once
// What a request of /v1/images asks for (docs/images-api.md), read and judged before anything is done.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/json.hpp"

namespace darkroom {

struct ImagesRequest {
  std::string prompt;
  std::string model;  ///< as asked for; "" when not
  std::int64_t n = 1;
  std::optional<std::pair<std::int64_t, std::int64_t>> size;  ///< nothing: "auto"
  std::string quality = "auto";
  std::string format = "png";      ///< "png", "jpeg" or "webp"
  std::int64_t compression = 100;  ///< quality of jpeg and webp, 0 to 100
  std::optional<std::uint64_t> seed;
  bool as_url = false;  ///< else as base64
  bool stream = false;
  std::int64_t partial_images = 0;
};

/// The fields of a body. Throws ApiError (gateway/api_error.hpp) that names the field which is wrong. Null means absent; unknown fields,
/// and those that mean nothing here, are passed over.
ImagesRequest read_images_request(const json::object& fields);

/// Texts of a form as such fields: numbers and booleans become what they are in JSON.
json::object fields_of_form(const std::map<std::string, std::string>& texts);

}  // namespace darkroom
