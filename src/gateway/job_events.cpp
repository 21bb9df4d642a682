#include "gateway/job_events.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "workflow/graph.hpp"

namespace darkroom {
namespace {

std::optional<std::int64_t> whole(const json::value& number) {
  if (!number.is_number()) return std::nullopt;
  return static_cast<std::int64_t>(number.to_number<double>());
}

json::value or_null(const std::optional<std::int64_t>& number) { return number ? json::value(*number) : json::value(); }

}  // namespace

json::object JobProgress::to_json() const {
  std::string message = node_class;
  if (step && steps) message += " " + std::to_string(*step) + "/" + std::to_string(*steps);
  return {{"value", value},
          {"nodes_done", nodes_done},
          {"nodes_total", nodes_total},
          {"current_node", node.empty() ? json::value() : json::value(node)},
          {"current_node_class", node_class.empty() ? json::value() : json::value(node_class)},
          {"step", or_null(step)},
          {"steps", or_null(steps)},
          {"message", message.empty() ? json::value() : json::value(message)}};
}

JobEvents::JobEvents(asio::any_io_executor io, const Job& job, int attempt) : timer_(io), attempt_(attempt), nodes_(nodes_of(job)) {
  progress_.nodes_total = static_cast<std::int64_t>(nodes_.size());
}

/// The nodes that the wanted outputs hang on, with their classes.
JobEvents::Nodes JobEvents::nodes_of(const Job& job) {
  Nodes nodes;
  std::vector<std::string> open = job.outputs;
  while (!open.empty()) {
    const std::string id = std::move(open.back());
    open.pop_back();
    const auto* node = find_object(job.prompt, id);
    if (!node || !nodes.emplace(id, Node{string_or(*node, "class_type", "")}).second) continue;
    const auto* inputs = find_object(*node, "inputs");
    if (!inputs) continue;
    for (const auto& [name, value] : *inputs)
      if (is_link(value)) open.push_back(python_str(value.get_array()[0]));
  }
  return nodes;
}

void JobEvents::apply(const JobEvent& event) {
  if (!ended_) std::visit([this](const auto& inner) { on(inner); }, event);
}

void JobEvents::on(const JobStarted& event) {
  started_ = event.timestamp;
  add("status", {{"status", "running"}, {"queue_position", nullptr}});
}

void JobEvents::on(const NodesCached& event) {
  for (const std::string& node : event.nodes) done(node);
  moved();
}

void JobEvents::on(const NodeStarted& event) {
  progress_.node = event.ids.display;
  progress_.node_class = class_of(event.ids.display);
  progress_.step.reset();
  progress_.steps.reset();
  moved();
}

void JobEvents::on(const NodeProgress& event) {
  const double value = event.value.is_number() ? event.value.to_number<double>() : 0,
               most = event.max.is_number() ? event.max.to_number<double>() : 0;
  progress_.step = whole(event.value);
  progress_.steps = whole(event.max);
  if (!event.picture.empty())
    preview_ = {preview_.version + 1, event.node, event.format == "PNG" ? "image/png" : "image/jpeg", event.picture};
  moved(most > 0 ? std::clamp(value / most, 0.0, 1.0) : 0);
  if (!event.picture.empty()) tell();
}

void JobEvents::on(const NodeExecuted& event) {
  const auto* ui = event.output.if_object();
  if (!ui) return;
  for (json::object& file : files_in(event.ids.display, *ui)) add("output", std::move(file));
}

void JobEvents::on(const NodeFinished& event) {
  done(event.ids.node);
  moved();
}

void JobEvents::done(const std::string& node) {
  const auto found = nodes_.find(node);  // what others made at run time is part of them
  if (found == nodes_.end() || std::exchange(found->second.done, true)) return;
  ++progress_.nodes_done;
}

/// `within`: how much of the node at work is done.
void JobEvents::moved(double within) {
  const auto total = static_cast<double>(std::max<std::int64_t>(1, progress_.nodes_total));
  const double value = std::min(1.0, (static_cast<double>(progress_.nodes_done) + within) / total);
  progress_.value = std::max(progress_.value, value);
  if (progress_waits_) return;
  const auto due = last_progress_ + kInterval;
  if (Clock::now() >= due) return say_progress();
  progress_waits_ = true;
  timer_.expires_at(due);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& stopped) {
    const auto self = weak.lock();
    if (!self || stopped || self->ended_ || self->left_) return;
    self->progress_waits_ = false;
    self->say_progress();
  });
}

void JobEvents::say_progress() {
  last_progress_ = Clock::now();
  add("progress", progress_.to_json());
}

void JobEvents::canceling() {
  if (canceling_ || ended_) return;
  canceling_ = true;
  add("status", {{"status", "canceling"}, {"queue_position", nullptr}});
}

void JobEvents::end(const std::string& status) {
  if (ended_) return;
  add("status", {{"status", status}, {"queue_position", nullptr}});
  ended_ = true;
  timer_.cancel();
  tell();
}

void JobEvents::leave() {
  left_ = true;
  timer_.cancel();
  tell();
}

void JobEvents::add(std::string name, json::object data) {
  if (events_.size() >= kMost) {
    const std::int64_t newest = last_seq_;
    std::erase_if(events_, [&](const NumberedEvent& event) { return event.name == "progress" && event.seq != newest; });
  }
  events_.push_back({++last_seq_, std::move(name), std::move(data)});
  tell();
}

std::shared_ptr<void> JobEvents::listen(std::function<void()> listener) {
  const auto place = listeners_.insert(listeners_.end(), std::move(listener));
  return {nullptr, [self = shared_from_this(), place](void*) { self->listeners_.erase(place); }};
}

void JobEvents::tell() {
  for (const auto& listener : listeners_) listener();
}

std::string JobEvents::class_of(const std::string& node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? "" : found->second.node_class;
}

std::string JobEvents::text(const std::string& status) const {
  json::array list;
  for (const NumberedEvent& event : events_) list.push_back(json::array{event.seq, event.name, event.data});
  list.push_back(json::array{last_seq_ + 1, "status", json::object{{"status", status}, {"queue_position", nullptr}}});
  return dump(json::object{{"attempt", attempt_}, {"events", std::move(list)}});
}

std::optional<std::pair<int, std::vector<NumberedEvent>>> JobEvents::read(const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    const json::value stored = parse_json(text, {.max_bytes = 1u << 30});
    std::vector<NumberedEvent> events;
    for (const auto& item : stored.as_object().at("events").as_array()) {
      const auto& fields = item.as_array();
      events.push_back({fields.at(0).as_int64(), std::string(fields.at(1).as_string()), fields.at(2).as_object()});
    }
    return std::pair(static_cast<int>(stored.as_object().at("attempt").as_int64()), std::move(events));
  } catch (const std::exception&) {  // damaged: as if there were none
    return std::nullopt;
  }
}

std::vector<json::object> files_in(const std::string& node, const json::object& ui) {
  std::vector<json::object> files;
  for (const auto& [key, value] : ui) {
    const auto* list = value.if_array();
    if (!list) continue;
    for (const auto& item : *list) {
      const auto* file = item.if_object();
      const auto name = file ? find_string(*file, "filename") : std::nullopt;
      if (name && !name->empty())
        files.push_back({{"node_id", node},
                         {"filename", *name},
                         {"subfolder", string_or(*file, "subfolder", "")},
                         {"type", string_or(*file, "type", "output")},
                         {"key", key}});
    }
  }
  return files;
}

}  // namespace darkroom
