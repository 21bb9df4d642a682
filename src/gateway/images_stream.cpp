#include "gateway/images_stream.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/images_job.hpp"
#include "gateway/images_result.hpp"

namespace darkroom {
namespace {

constexpr auto kSilence = std::chrono::seconds(15);  ///< between two signs of life: proxies cut connections that are silent for long

std::string sent(const std::string& type, const json::object& data) {
  return "event: " + type + "\ndata: " + dump(json::value(data)) + "\n\n";
}

/// Nothing is bought here, so nothing is counted.
json::object no_usage() {
  return {{"input_tokens", 0},
          {"input_tokens_details", json::object{{"image_tokens", 0}, {"text_tokens", 0}}},
          {"output_tokens", 0},
          {"total_tokens", 0}};
}

}  // namespace

ImagesStream::ImagesStream(Services& services, Identity who, ImagesRequest request, std::shared_ptr<ImagesJob> job, std::string kind)
    : services_(services),
      who_(std::move(who)),
      request_(std::move(request)),
      job_(std::move(job)),
      kind_(std::move(kind)),
      created_(now_ms() / 1000) {}

asio::awaitable<std::string_view> ImagesStream::read() {
  piece_.clear();
  if (over_) co_return piece_;
  std::exception_ptr fault;
  try {
    piece_ = co_await next_events();
  } catch (...) {
    fault = std::current_exception();
  }
  if (fault) {
    over_ = true;
    piece_ = "event: error\ndata: " + api_error(api_error_of(fault)).body + "\n\n";
  }
  co_return piece_;
}

asio::awaitable<void> ImagesStream::finish() { co_await job_->abandon(); }

asio::awaitable<std::string> ImagesStream::next_events() {
  const auto until = std::chrono::steady_clock::now() + kSilence;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) co_return ": still at it\n\n";  // previews come, and none of them is wanted now
    const ImagesJob::News news = co_await job_->next(left);
    if (news == ImagesJob::News::kQuiet) co_return ": still at it\n\n";
    if (news == ImagesJob::News::kEnd) {
      over_ = true;
      co_return co_await completed();
    }
    const bool wanted = wants_preview_now();
    const std::string picture = job_->take_preview();
    if (wanted) co_return partial_image(picture);
  }
}

/// Spread over the work: the first of three after a quarter.
bool ImagesStream::wants_preview_now() const {
  const auto all = static_cast<double>(request_.partial_images + 1);
  return partial_images_ < request_.partial_images && job_->preview_part() >= static_cast<double>(partial_images_ + 1) / all;
}

json::object ImagesStream::event(const char* what, const std::string& format) const {
  json::object event{
      {"type", kind_ + what}, {"created_at", created_}, {"output_format", format}, {"background", "opaque"}, {"quality", request_.quality}};
  event["size"] = request_.size ? std::to_string(request_.size->first) + "x" + std::to_string(request_.size->second) : "auto";
  return event;
}

std::string ImagesStream::partial_image(const std::string& picture) {
  json::object data = event(".partial_image", picture.starts_with("\x89PNG") ? "png" : "jpeg");
  data["partial_image_index"] = partial_images_++;
  data["b64_json"] = base64(picture);
  return sent(kind_ + ".partial_image", data);
}

asio::awaitable<std::string> ImagesStream::completed() {
  if (job_->pictures().empty()) throw ApiError{500, "The workflow of this server saved no picture", "bad_workflow"};
  const PictureForm form{request_.format, request_.compression};
  std::string events;
  for (const NamedFile& file : job_->pictures()) {
    json::object data = event(".completed", request_.format);
    const std::string bytes = co_await picture_bytes(services_, who_, file, form);
    data["b64_json"] = base64(bytes);
    data["usage"] = no_usage();
    events += sent(kind_ + ".completed", data);
  }
  co_return events;
}

}  // namespace darkroom
