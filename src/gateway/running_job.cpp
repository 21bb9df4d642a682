#include "gateway/running_job.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/job_messages.hpp"
#include "gateway/metrics.hpp"
#include "storage/user_room.hpp"
#include "workflow/graph.hpp"

namespace darkroom {

namespace say = job_messages;

RunningJob::RunningJob(asio::any_io_executor io, ClaimedJob claimed, JobVoice voice, std::shared_ptr<MessageGate> turn)
    : io_(io),
      job_(std::move(claimed.job)),
      claim_(claimed.claim),
      voice_(std::move(voice)),
      turn_(std::move(turn)),
      events_(std::make_shared<JobEvents>(io, job_, claim_.attempt)),
      progress_(job_.id),
      changes_timer_(io) {}

Record RunningJob::run_record() {
  Record record{.kind = "run", .data = {}, .bytes = {}};
  record.data.emplace("job", job_.to_json());
  job_.secrets.clear();
  return record;
}

void RunningJob::apply(const JobEvent& event) {
  if (ended_) return;
  last_event_ = Clock::now();
  std::visit([this](const auto& inner) { on(inner); }, event);
  events_->apply(event);
}

void RunningJob::keep_message(const char* type, json::object data) {
  result_.messages.push_back(json::array{type, std::move(data)});
}

void RunningJob::announce_start() {
  if (!started_) apply(JobStarted{now_ms(), ""});
}

void RunningJob::on(const JobStarted& event) {
  started_ = true;
  result_.started = event.timestamp;
  result_.precision = event.precision;
  if (metrics) metrics->job_started(static_cast<double>(std::max<std::int64_t>(0, event.timestamp - job_.create_time)) / 1000);
  json::object data = say::execution_start(job_.id, event.timestamp);
  if (voice_.owner_listens()) voice_.to_owner(Frame::message("execution_start", data));
  keep_message("execution_start", std::move(data));
}

void RunningJob::on(const NodesCached& event) {
  cached_ = event.nodes;
  if (metrics) metrics->nodes_cached(cached_.size());
  json::object data = say::execution_cached(job_.id, event.nodes, event.timestamp);
  if (voice_.owner_listens()) voice_.to_owner(Frame::message("execution_cached", data));
  keep_message("execution_cached", std::move(data));
}

void RunningJob::on(const NodeStarted& event) {
  current_ = event.ids;
  if (metrics) since_.try_emplace(event.ids.node, Clock::now());
  progress_.start(event.ids);
  say_progress_state();
  if (voice_.owner_listens()) voice_.to_owner(Frame::text(say::executing(job_.id, event.ids)));
}

void RunningJob::on(const NodeProgress& event) {
  progress_.step(event);
  say_progress_state();
  if (!voice_.owner_or_all_listen()) return;
  const std::string key = job_.id + '/' + event.node;
  const auto send = [&](std::string payload, bool binary, Frame::Kind kind) {
    Frame frame = binary ? Frame::bytes(std::move(payload)) : Frame::text(std::move(payload));
    frame.kind = kind;
    frame.key = key;
    voice_.to_owner_or_all(std::move(frame));
  };
  const bool with_metadata = voice_.owner_wants_metadata();
  if (!event.picture.empty() && with_metadata)
    send(say::preview_with_metadata(job_.id, *progress_.ids(event.node), event), true, Frame::Kind::kPreview);
  if (!event.message) return;
  send(say::progress(job_.id, event), false, Frame::Kind::kProgress);
  if (!event.picture.empty() && !with_metadata) send(say::preview(event), true, Frame::Kind::kPreview);
}

void RunningJob::on(const NodeExecuted& event) {
  if (voice_.owner_listens()) voice_.to_owner(Frame::text(say::executed(job_.id, event)));
  if (event.output.is_null()) return;
  result_.outputs.insert_or_assign(event.ids.node, event.output);
  result_.meta.insert_or_assign(
      event.ids.node, json::object{{"node_id", event.ids.node},
                                   {"display_node", event.ids.display},
                                   {"parent_node", event.ids.parent ? json::value(*event.ids.parent) : json::value()},
                                   {"real_node_id", event.ids.real}});
}

void RunningJob::on(const NodeFinished& event) {
  progress_.finish(event.ids, event.cached);
  if (!event.cached) executed_.push_back(event.ids.node);
  if (const auto began = since_.find(event.ids.node); began != since_.end()) {
    // Nodes that others made at run time stand in no prompt: they count for the one that made them.
    const std::string own = class_of(event.ids.node);
    if (!event.cached)
      metrics->node_ran(own.empty() ? class_of(event.ids.real) : own, std::chrono::duration<double>(Clock::now() - began->second).count());
    since_.erase(began);
  }
  say_progress_state();
}

void RunningJob::on(const TextSent& event) { voice_.to_owner_or_all(Frame::bytes(say::text(event))); }

void RunningJob::on(const MessageSent& event) {
  std::string data;
  dump_to(data, event.data);
  Frame frame = Frame::text(say::wrap(event.type, data));
  if (event.to_all) voice_.to_all(std::move(frame));
  else if (!event.sid.empty()) voice_.to_session(event.sid, std::move(frame));
  else voice_.to_owner_or_all(std::move(frame));
}

void RunningJob::on(const BinarySent& event) {
  Frame frame = Frame::bytes(say::binary(event.event, event.bytes));
  if (event.to_all) voice_.to_all(std::move(frame));
  else if (!event.sid.empty()) voice_.to_session(event.sid, std::move(frame));
  else voice_.to_owner_or_all(std::move(frame));
}

void RunningJob::on(const NodeBlocked& event) {
  voice_.to_owner_or_all(Frame::message("execution_error", say::execution_error(job_.id, event.error, std::nullopt)));
}

void RunningJob::on(const JobSucceeded& event) {
  result_.status = "success";
  result_.completed = true;
  end("execution_success", say::execution_success(job_.id, event.timestamp), event.timestamp, false);
}

void RunningJob::on(const JobFailed& event) {
  result_.status = "error";
  result_.completed = false;
  end("execution_error", say::execution_error(job_.id, event.error, event.timestamp), event.timestamp, false);
}

void RunningJob::on(const JobInterrupted& event) {
  if (overdue) return on(JobFailed{failure(event.node, "TimeoutError", "The job ran longer than it may and was ended."), event.timestamp});
  result_.status = "error";
  result_.completed = false;
  result_.cancelled = true;
  end("execution_interrupted", say::execution_interrupted(job_.id, event), event.timestamp, true);
}

void RunningJob::end(const char* type, json::object data, std::int64_t timestamp, bool to_all_without_client) {
  flush_changes(true);
  changes_timer_.cancel();
  ended_ = true;
  current_.reset();
  result_.ended = timestamp;
  if (metrics && !started_) metrics->jobs_cancelled_waiting(1);
  else if (metrics)
    metrics->job_ended(result_.cancelled ? "cancelled" : result_.status,
                       static_cast<double>(std::max<std::int64_t>(0, timestamp - result_.started)) / 1000);
  Frame frame = Frame::message(type, data);
  if (to_all_without_client) voice_.to_owner_or_all(std::move(frame));
  else voice_.to_owner(std::move(frame));
  keep_message(type, std::move(data));
}

std::string RunningJob::class_of(const std::string& node) const {
  const auto* body = find_object(job_.prompt, node);
  return body ? string_or(*body, "class_type", "") : "";
}

/// The node that ran when the worker was lost. A worker that is gone in an instant takes its last words with it: then the first
/// node of the prompt that was not done and had all that it needs.
std::string RunningJob::lost_node() const {
  if (current_ && std::ranges::find(executed_, current_->node) == executed_.end()) return current_->real;
  const auto done = [&](const json::value& id) {
    const std::string name = python_str(id);
    return std::ranges::find(executed_, name) != executed_.end() || std::ranges::find(cached_, name) != cached_.end();
  };
  for (const auto& [id, body] : job_.prompt) {
    if (done(json::value(id)) || !body.is_object()) continue;
    const auto* inputs = find_object(body.get_object(), "inputs");
    const bool ready = !inputs || std::ranges::all_of(*inputs, [&](const auto& input) {
      return !is_link(input.value()) || done(input.value().get_array()[0]);
    });
    if (ready) return std::string(id);
  }
  return current_ ? current_->real : "";
}

void RunningJob::end_as_lost(const std::string& why) {
  if (ended_) return;
  announce_start();
  const std::string node = lost_node();
  on(JobFailed{failure(node, "WorkerLost", why), now_ms()});
}

json::object RunningJob::failure(const std::string& node, const char* type, const std::string& why) const {
  json::array known;
  for (const auto& [id, body] : job_.prompt) known.emplace_back(id);
  return {{"node_id", node},
          {"node_type", class_of(node)},
          {"executed", json::array(executed_.begin(), executed_.end())},
          {"exception_message", why + "\n"},
          {"exception_type", type},
          {"traceback", json::array{}},
          {"current_inputs", json::object{}},
          {"current_outputs", std::move(known)}};
}

void RunningJob::end_as_interrupted() {
  if (ended_) return;
  const std::string node = current_ ? current_->real : "";
  on(JobInterrupted{node, class_of(node), executed_, now_ms()});
}

JobResult RunningJob::take_result() {
  end_status_ = result_.cancelled ? "canceled" : result_.completed ? "succeeded" : "failed";
  result_.events = events_->text(end_status_);
  return std::move(result_);
}

void RunningJob::say_end() {
  voice_.to_owner(Frame::text(say::executing_end(job_.id)));
  events_->end(end_status_);
}

void RunningJob::say_progress_state() {
  if (!voice_.owner_or_all_listen()) return;
  if (progress_.whole()) {
    Frame frame = Frame::text(progress_.whole_message());
    frame.kind = Frame::Kind::kProgress;  // each holds everything, so only the newest matters to a slow socket
    frame.key = job_.id;
    voice_.to_owner_or_all(std::move(frame));
    return;
  }
  if (changes_waiting_) return;
  const auto next = last_changes_ + kProgressInterval;
  if (Clock::now() >= next) return flush_changes(false);
  changes_waiting_ = true;
  changes_timer_.expires_at(next);
  changes_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& stopped) {
    const auto self = weak.lock();
    if (!self || stopped) return;
    self->changes_waiting_ = false;
    self->flush_changes(false);
    if (self->progress_.has_changes()) self->say_progress_state();
  });
}

/// Sends what a thinned `progress_state` owes; `all`: in several messages if need be.
void RunningJob::flush_changes(bool all) {
  if (progress_.whole() || ended_ || !progress_.has_changes() || !voice_.owner_or_all_listen()) return;
  do {
    voice_.to_owner_or_all(Frame::text(progress_.changes_message()));
  } while (all && progress_.has_changes());
  last_changes_ = Clock::now();
}

void RunningJob::tick(Clock::time_point now) {
  if (ended_ || !progress_.has_running() || now - last_event_ < kRepeatAfter) return;
  last_event_ = now;
  if (!voice_.owner_or_all_listen()) return;
  voice_.to_owner_or_all(Frame::text(progress_.whole() ? progress_.whole_message() : progress_.changes_message()));
}

void RunningJob::greet(HubSession& session) {
  if (ended_ || !voice_.is_heard() || !voice_.has_client() || session.client_id() != voice_.client_id() ||
      room_of(session.handshake().owner) != voice_.room() || !current_)
    return;
  session.send(Frame::text(say::executing_again(current_->display)));
  std::string state = progress_.whole_message();
  if (progress_.whole() || state.size() <= kProgressBytes) session.send(Frame::text(std::move(state)));
}

}  // namespace darkroom
