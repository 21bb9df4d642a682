#pragma once
// A reply of /v1/images as server-sent events: pictures of the work so far, then the pictures.

#include <memory>
#include <string>

#include "gateway/http.hpp"
#include "gateway/images_request.hpp"

namespace darkroom {

class ImagesJob;
struct Services;

class ImagesStream final : public BodyReader {
 public:
  /// `kind`: what the events are called, "image_generation" or "image_edit".
  ImagesStream(Services& services, Identity who, ImagesRequest request, std::shared_ptr<ImagesJob> job, std::string kind);

  asio::awaitable<std::string_view> read() override;
  /// A job that nobody waits for any more is cancelled.
  asio::awaitable<void> finish() override;

 private:
  asio::awaitable<std::string> next_events();
  asio::awaitable<std::string> completed();
  std::string partial_image(const std::string& picture);
  json::object event(const char* what, const std::string& format) const;
  bool wants_preview_now() const;

  Services& services_;
  const Identity who_;
  const ImagesRequest request_;
  const std::shared_ptr<ImagesJob> job_;
  const std::string kind_;
  const std::int64_t created_;
  std::int64_t partial_images_ = 0;  ///< sent
  bool over_ = false;
  std::string piece_;
};

}  // namespace darkroom
