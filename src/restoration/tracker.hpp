#pragma once
// From what a worker says of a job to what somebody who watches its restoration is told: stages in their order, each once, and a
// progress that never goes backwards. No clock and no I/O: the time comes in.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "messages/events.hpp"
#include "restoration/estimate.hpp"
#include "restoration/message.hpp"
#include "restoration/plan.hpp"

namespace darkroom::restoration {

class Tracker {
 public:
  /// Before the graph is known: upload. `stage` and `progress`: where an earlier run of the server had come to.
  explicit Tracker(Stage stage = Stage::kUpload, double progress = 0) : stage_(stage), progress_(progress) {}

  void plan(Plan plan) { plan_ = std::move(plan); }

  /// `bytes` of `total` have come in; total 0: not known.
  Message uploading(std::uint64_t bytes, std::uint64_t total);
  /// All of it has come in, or nothing had to.
  Message waiting(std::string say, json::object with = {}, json::object extra = {});
  /// An event of the worker; the messages that it gives, in order.
  std::vector<Message> on(const JobEvent& event, std::int64_t now_ms);
  /// The result is there.
  Message complete(std::string result_url);

  Stage stage() const { return stage_; }
  double progress() const { return progress_; }
  const std::string& source() const { return source_; }

 private:
  void begin(std::vector<Message>& out);
  void start_node(std::vector<Message>& out, const NodeIds& ids, std::int64_t now_ms);
  void advance(std::vector<Message>& out, const NodeProgress& event, std::int64_t now_ms);
  void opened(std::vector<Message>& out, std::int64_t value, std::int64_t max);
  void step(std::vector<Message>& out, const ClassPart& part, double value, double max, std::int64_t now_ms);
  void finish_node(std::vector<Message>& out, const std::string& node);
  void enter(std::vector<Message>& out, Stage stage);
  void start_step(std::vector<Message>& out, const std::string& node, const ClassPart& part, std::int64_t now_ms);
  double inference_progress(double part_of_step) const;
  Message made(std::string say, double progress, json::object with = {}) ;
  json::object step_words() const { return {{"source", "#" + source_}}; }

  Plan plan_;
  Stage stage_;
  double progress_;
  std::string source_;             ///< of the step at work
  std::string node_;               ///< the node at work
  double weight_done_ = 0;
  std::unordered_set<std::string> done_;
  std::optional<StepClock> clock_;
  bool begun_ = false;             ///< some worker has begun it
};

}  // namespace darkroom::restoration
