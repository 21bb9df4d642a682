// How a job that fails says so (protocol.md §6.7).

#include "base/text.hpp"
#include "worker/job_run.hpp"

namespace darkroom {

json::object JobRun::error_data(NodeIndex at) const {
  json::object error;
  const NodeIndex real = at == kNoNode ? kNoNode : prompt_[at].real;
  error["node_id"] = real == kNoNode ? "" : prompt_[real].ids.node;
  error["node_type"] = real == kNoNode ? "" : prompt_[real].class_name();
  error["executed"] = json::array(executed_.begin(), executed_.end());
  return error;
}

void JobRun::fail(const Failure& failure) {
  if (failure.out_of_memory) executor_.ran_out_of_memory_ = true;
  JobFailed event;
  event.timestamp = now_ms();
  event.error = error_data(current_);
  event.error["exception_message"] = failure.message;
  event.error["exception_type"] = failure.type;
  json::array trace(failure.traceback.begin(), failure.traceback.end());
  if (trace.empty() && current_ != kNoNode) trace.push_back(json::value("  node " + prompt_[current_].ids.node + ", in " + prompt_[current_].class_name() + "\n"));
  if (failure.traceback.empty()) trace.push_back(json::value(failure.type + ": " + failure.message));
  event.error["traceback"] = std::move(trace);
  event.error["current_inputs"] = arguments_.describe();
  json::array known;
  if (!executor_.cache_.keeps_nothing())
    for (NodeIndex at = 0; at < prompt_.size(); ++at) known.push_back(json::value(prompt_[at].ids.node));
  event.error["current_outputs"] = std::move(known);
  tell(std::move(event));
}

void JobRun::fail_circle() {
  JobFailed event;
  event.timestamp = now_ms();
  const NodeIndex on_circle = order_->find_circle();
  event.error = error_data(on_circle);
  // Where the editor shows it, if that is a node of the prompt.
  if (on_circle != kNoNode)
    if (const NodeIndex shown = prompt_.find(prompt_[on_circle].ids.display); shown != kNoNode && shown < prompt_.submitted()) {
      event.error["node_id"] = prompt_[shown].ids.node;
      event.error["node_type"] = prompt_[shown].class_name();
    }
  event.error["exception_message"] = "Dependency cycle detected";
  event.error["exception_type"] = "graph.DependencyCycleError";
  event.error["traceback"] = json::array{};
  event.error["current_inputs"] = json::array{};
  json::array known;
  if (!executor_.cache_.keeps_nothing())
    for (NodeIndex at = 0; at < prompt_.size(); ++at) known.push_back(json::value(prompt_[at].ids.node));
  event.error["current_outputs"] = std::move(known);
  tell(std::move(event));
}

}  // namespace darkroom
