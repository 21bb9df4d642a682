#include "gateway/images_job.hpp"

#include <charconv>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_watch.hpp"
#include "gateway/options.hpp"
#include "gateway/own_prompt.hpp"
#include "gateway/readiness.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {

constexpr auto kTick = std::chrono::milliseconds(200);  ///< between two looks whether the client is still there
constexpr std::int64_t kLookTime = 2000;                ///< ms between two looks at a job of which nothing was heard
/// Looks that may miss a job before it counts as deleted: while its result is written it is in neither list.
constexpr int kMisses = 5;
constexpr std::int64_t kRetryAfter = 5;  ///< s

/// The first fault of a node, in words; "" where none is told.
std::string fault_of_node(const json::object& node_errors) {
  for (const auto& item : node_errors) {
    const auto* node = item.value().if_object();
    const auto* errors = node ? find_array(*node, "errors") : nullptr;
    if (!errors || errors->empty() || !errors->front().is_object()) continue;
    const json::object& error = errors->front().get_object();
    return string_or(*node, "class_type", "") + ": " + string_or(error, "message", "") + ": " + string_or(error, "details", "");
  }
  return "";
}

/// A refusal of POST /prompt as one of /v1.
ApiError refusal_of(const Response& reply) {
  ApiError error{reply.status, "The workflow was refused", "invalid_workflow"};
  if (reply.status == 503) error.retry_after_s = kRetryAfter;
  const json::value body = parse_json(reply.shared_body ? *reply.shared_body : reply.body);
  if (const auto* said = body.is_object() ? find_object(body.get_object(), "error") : nullptr) {
    error.message = string_or(*said, "message", error.message);
    error.code = string_or(*said, "type", error.code);
  }
  const auto* nodes = body.is_object() ? find_object(body.get_object(), "node_errors") : nullptr;
  if (const std::string fault = nodes ? fault_of_node(*nodes) : ""; !fault.empty()) error.message += ": " + fault;
  for (const auto& [name, value] : reply.headers)
    if (lower(name) == "retry-after") std::from_chars(value.data(), value.data() + value.size(), error.retry_after_s);
  return error;
}

}  // namespace

ImagesJob::ImagesJob(const Router& router, Services& services, const Request& request, std::size_t wanted)
    : router_(router), services_(services), who_(request.who), peer_(request.peer), id_(uuid4()), wanted_(wanted) {}

asio::awaitable<void> ImagesJob::submit(json::object prompt, bool previews) {
  watched_ = services_.watch->follow(who_.user, id_);
  json::object body{{"prompt", std::move(prompt)}, {"prompt_id", id_}};
  if (previews) body["extra_data"] = json::object{{"preview_method", "auto"}};
  Identity who = who_;
  const Response reply = co_await post_own_prompt(router_, std::move(who), std::move(body));
  if (reply.status != 200) throw refusal_of(reply);
  submitted_ = true;
  const std::int64_t now = steady_ms();
  deadline_ = now + static_cast<std::int64_t>(services_.options.images_time_s * 1000);
  next_look_ = now + kLookTime;
}

asio::awaitable<ImagesJob::News> ImagesJob::next(std::chrono::milliseconds at_most) {
  const std::int64_t until = steady_ms() + at_most.count();
  for (;;) {
    if (!watched_->preview.empty()) co_return News::kPreview;
    if (watched_->said_its_end || steady_ms() >= next_look_) co_await look();
    if (ended_) co_return News::kEnd;
    if (services_.readiness->stopping) {
      submitted_ = false;  // it is not to be cancelled when the reply ends
      throw ApiError{503, "The server is stopping; the job goes on when it is back", "stopping"};
    }
    const bool is_gone = peer_ && peer_->is_gone(), is_late = steady_ms() > deadline_;
    if (is_gone || is_late) co_await abandon();
    if (is_gone) throw ApiError{499, "The client closed its connection", "client_gone"};
    if (is_late) throw ApiError{504, "The pictures took longer than this server waits for them", "timeout"};
    if (steady_ms() > until) co_return News::kQuiet;
    co_await watched_->news(kTick);
  }
}

/// Has it ended? What it made then, or ApiError.
asio::awaitable<void> ImagesJob::look() {
  next_look_ = steady_ms() + kLookTime;
  const auto history = co_await services_.jobs.history_json_of(who_.user, id_);
  const json::value all = parse_json(*history);
  if (const auto* entry = find_object(all.as_object(), id_)) {
    ended_ = true;
    const JobEnd end = end_of(*entry);
    if (end.kind == JobEnd::Kind::kFailed) throw ApiError{500, "The workflow failed: " + end.fault, "generation_failed"};
    if (end.kind == JobEnd::Kind::kInterrupted) throw ApiError{409, "The job was cancelled", "cancelled"};
    pictures_ = pictures_of(*entry);
    if (pictures_.size() > wanted_) pictures_.resize(wanted_);
    co_return;
  }
  const auto queued = co_await services_.jobs.job_json(who_.user, id_);
  misses_ = queued ? 0 : misses_ + 1;
  if (misses_ < kMisses) co_return;
  ended_ = true;
  throw ApiError{409, "The job was deleted", "cancelled"};
}

std::string ImagesJob::take_preview() { return std::exchange(watched_->preview, {}); }

double ImagesJob::preview_part() const { return watched_->preview_part; }

asio::awaitable<void> ImagesJob::abandon() {
  if (!submitted_ || std::exchange(ended_, true)) co_return;
  co_await services_.jobs.cancel(who_.user, id_);
}

}  // namespace darkroom
