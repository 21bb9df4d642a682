#include "restoration/tracker.hpp"

#include <algorithm>
#include <cmath>

namespace darkroom::restoration {
namespace {

// Where on the bar a stage begins.
constexpr double kUpload = 0, kPreprocess = 5, kLoadModel = 8, kInference = 12, kPostprocess = 95, kComplete = 100;

constexpr std::int64_t kCountable = 200;  ///< pieces; of more the percentage is told

double start_of(Stage stage) {
  switch (stage) {
    case Stage::kUpload: return kUpload;
    case Stage::kPreprocess: return kPreprocess;
    case Stage::kLoadModel: return kLoadModel;
    case Stage::kInference: return kInference;
    case Stage::kPostprocess: return kPostprocess;
    case Stage::kComplete: return kComplete;
  }
  return kUpload;
}

const char* words_of_stage(Stage stage) {
  switch (stage) {
    case Stage::kUpload: return "uploaded";
    case Stage::kPreprocess: return "reading";
    case Stage::kLoadModel: return "loading";
    case Stage::kInference: return "step";
    case Stage::kPostprocess: return "saving";
    case Stage::kComplete: return "complete";
  }
  return "";
}

double whole_number_or(const json::value& value, double fallback) {
  return value.is_number() && std::isfinite(value.to_number<double>()) ? value.to_number<double>() : fallback;
}

double tenth(double seconds) { return std::round(seconds * 10) / 10; }

}  // namespace

Message Tracker::made(std::string say, double progress, json::object with) {
  progress_ = std::clamp(std::max(progress, progress_), 0.0, 100.0);
  const bool at_step = stage_ == Stage::kInference;
  return {.stage = stage_, .say = std::move(say), .with = std::move(with), .progress = progress_, .source = at_step ? source_ : ""};
}

Message Tracker::uploading(std::uint64_t bytes, std::uint64_t total) {
  const double part = total == 0 ? 0 : std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total));
  Message message = made("uploading", kUpload + part * (kPreprocess - kUpload));
  message.minor = bytes > 0;
  return message;
}

Message Tracker::waiting(std::string say, json::object with, json::object extra) {
  Message message = made(std::move(say), kPreprocess, std::move(with));
  message.extra = std::move(extra);
  return message;
}

Message Tracker::complete(std::string result_url) {
  stage_ = Stage::kComplete;
  Message message = made("complete", kComplete);
  message.extra.emplace("result_url", std::move(result_url));
  return message;
}

std::vector<Message> Tracker::on(const JobEvent& event, std::int64_t now_ms) {
  std::vector<Message> out;
  if (std::holds_alternative<JobStarted>(event)) begin(out);
  else if (const auto* cached = std::get_if<NodesCached>(&event)) for (const auto& node : cached->nodes) finish_node(out, node);
  else if (const auto* started = std::get_if<NodeStarted>(&event)) start_node(out, started->ids, now_ms);
  else if (const auto* progress = std::get_if<NodeProgress>(&event)) advance(out, *progress, now_ms);
  else if (const auto* finished = std::get_if<NodeFinished>(&event)) finish_node(out, finished->ids.node);
  else if (std::holds_alternative<JobSucceeded>(event)) enter(out, Stage::kPostprocess);
  return out;
}

/// A worker takes it up. A second one begins from the start, which is told, but the bar stays where it is.
void Tracker::begin(std::vector<Message>& out) {
  const bool again = std::exchange(begun_, true) || stage_ > Stage::kPreprocess;
  weight_done_ = 0;
  done_.clear();
  clock_.reset();
  if (!again) return enter(out, Stage::kPreprocess);
  source_.clear();
  out.push_back(made("again", progress_));
}

/// Says every stage up to this one that has not been: each is there once, in its order.
void Tracker::enter(std::vector<Message>& out, Stage stage) {
  while (stage_ < stage) {
    stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
    if (stage_ == Stage::kInference && stage == Stage::kInference) return;  // its step says so, with its source
    if (stage_ == Stage::kInference && source_.empty())
      for (const std::string_view source : kSources)
        if (plan_.has_step(source)) source_ = source;
    out.push_back(made(words_of_stage(stage_), start_of(stage_), stage_ == Stage::kInference ? step_words() : json::object{}));
  }
}

void Tracker::start_node(std::vector<Message>& out, const NodeIds& ids, std::int64_t now_ms) {
  const auto found = plan_.nodes.find(ids.node);
  node_ = ids.node;
  if (found == plan_.nodes.end()) return;
  const ClassPart& part = *found->second;
  switch (part.role) {
    case Role::kLoadPhoto: return enter(out, Stage::kPreprocess);
    case Role::kLoadModel: return enter(out, Stage::kLoadModel);
    case Role::kStep: return start_step(out, ids.node, part, now_ms);
    case Role::kSave:
      // A picture saved on the way is no end of the work.
      if (weight_done_ + 1e-6 >= plan_.weight) enter(out, Stage::kPostprocess);
      return;
    case Role::kOther: return;
  }
}

void Tracker::start_step(std::vector<Message>& out, const std::string& node, const ClassPart& part, std::int64_t now_ms) {
  if (done_.contains(node)) return;
  enter(out, Stage::kInference);
  source_ = part.source;
  clock_.emplace(now_ms);
  out.push_back(made("step", inference_progress(0), step_words()));
}

double Tracker::inference_progress(double part_of_step) const {
  const auto found = plan_.nodes.find(node_);
  const double weight = found == plan_.nodes.end() ? 0 : found->second->weight;
  const double share = plan_.weight > 0 ? (weight_done_ + weight * part_of_step) / plan_.weight : 0;
  return kInference + std::clamp(share, 0.0, 1.0) * (kPostprocess - kInference);
}

void Tracker::advance(std::vector<Message>& out, const NodeProgress& event, std::int64_t now_ms) {
  const auto found = plan_.nodes.find(event.node);
  if (found == plan_.nodes.end() || event.node != node_) return;
  const double value = whole_number_or(event.value, 0), max = whole_number_or(event.max, 0);
  if (!(max > 0) || value < 0) return;
  const ClassPart& part = *found->second;
  if (part.role == Role::kLoadModel && stage_ == Stage::kLoadModel)
    opened(out, static_cast<std::int64_t>(value), static_cast<std::int64_t>(max));
  if (part.role == Role::kStep && stage_ == Stage::kInference && clock_) step(out, part, value, max, now_ms);
}

/// So many of the models are open.
void Tracker::opened(std::vector<Message>& out, std::int64_t value, std::int64_t max) {
  const double part = std::min(1.0, static_cast<double>(value) / static_cast<double>(max));
  out.push_back(made("opened", kLoadModel + part * (kInference - kLoadModel), {{"count", value}, {"all", max}}));
}

void Tracker::step(std::vector<Message>& out, const ClassPart& part, double value, double max, std::int64_t now_ms) {
  const auto tile = static_cast<std::int64_t>(value), tiles = static_cast<std::int64_t>(max);
  clock_->done(tile, tiles, now_ms);
  json::object with = step_words();
  with.emplace("tile", tile);
  with.emplace("tiles", tiles);
  const bool countable = tiles <= kCountable;
  if (!countable) with.emplace("percent", std::lround(100 * std::min(1.0, value / max)));
  Message message = made(tile <= 0   ? "step"
                         : countable ? "part"
                                     : "share",
                         inference_progress(std::min(1.0, value / max)), std::move(with));
  message.minor = tile > 0 && tile < tiles;  // the last one brings the step's picture
  message.extra = {{"tile", tile}, {"tiles", tiles}};
  if (const auto each = clock_->seconds_per_piece()) message.extra.emplace("seconds_per_tile", std::round(*each * 1000) / 1000);
  const double further = std::max(0.0, plan_.weight - weight_done_ - part.weight) / part.weight;
  if (const auto left = clock_->seconds_left(further)) message.extra.emplace("seconds_left", json::array{tenth(left->first), tenth(left->second)});
  out.push_back(std::move(message));
}

void Tracker::finish_node(std::vector<Message>& out, const std::string& node) {
  const auto found = plan_.nodes.find(node);
  if (found == plan_.nodes.end() || found->second->role != Role::kStep || !done_.insert(node).second) return;
  weight_done_ += found->second->weight;
  if (stage_ != Stage::kInference || node != node_) return;
  clock_.reset();
  node_.clear();
  Message message = made("step", inference_progress(0), step_words());
  message.minor = true;
  out.push_back(std::move(message));
}

}  // namespace darkroom::restoration
