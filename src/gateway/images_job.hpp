#pragma once
// One job of /v1/images, from its prompt to the pictures that it made. Lives on the io thread.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "gateway/history_entry.hpp"
#include "gateway/http.hpp"

namespace darkroom {

class WatchedJob;
struct Services;

class ImagesJob {
 public:
  /// `request` gives who asks, and whether somebody still waits; `wanted`: so many pictures, were there more.
  ImagesJob(const Router& router, Services& services, const Request& request, std::size_t wanted);

  /// Puts it into the queue. `previews`: pictures of its progress are wanted. Throws ApiError when it is refused.
  asio::awaitable<void> submit(json::object prompt, bool previews);

  enum class News { kPreview, kQuiet, kEnd };
  /// Waits for a preview or the end, at most so long. Throws ApiError when it failed, was cancelled, or took longer than --images-time, and
  /// when nobody waits any more: the job is cancelled then.
  asio::awaitable<News> next(std::chrono::milliseconds at_most);

  const std::string& id() const { return id_; }
  std::string take_preview();
  double preview_part() const;                                          ///< how much was done then, 0 to 1
  const std::vector<NamedFile>& pictures() const { return pictures_; }  ///< after the end

  /// Cancels it where it has not ended.
  asio::awaitable<void> abandon();

 private:
  asio::awaitable<void> look();

  const Router& router_;
  Services& services_;
  const Identity who_;
  Peer* const peer_;
  const std::string id_;
  const std::size_t wanted_;
  std::shared_ptr<WatchedJob> watched_;
  std::int64_t deadline_ = 0, next_look_ = 0;  ///< steady_ms()
  int misses_ = 0;
  bool submitted_ = false, ended_ = false;
  std::vector<NamedFile> pictures_;
};

}  // namespace darkroom
