#pragma once
// The pictures that a request of /v1/images is answered with: in the format that was asked for, as bytes or by an address.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "gateway/history_entry.hpp"
#include "gateway/http.hpp"
#include "gateway/images_request.hpp"

namespace darkroom {

struct Services;

/// How a picture is written: "png", "jpeg" or "webp", and the quality of the latter two, 0 to 100.
struct PictureForm {
  std::string format;
  std::int64_t quality = 100;
};

/// A user's picture in that form. Throws NotFound when the file is gone, and what PictureHelper::run() throws.
asio::awaitable<std::string> picture_bytes(Services& services, const Identity& who, const NamedFile& file, const PictureForm& form);

/// The whole address of a picture, as this client reached the server; of users other than `local` with a signature.
std::string picture_url(const Services& services, const Request& request, const NamedFile& file, const PictureForm& form);

/// Where a file lies. Blocks. Throws NotFound or Forbidden.
std::string picture_path(const Services& services, const Identity& who, const NamedFile& file);

}  // namespace darkroom
