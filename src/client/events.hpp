#pragma once
// What happens to a job, as typed events made of the server's messages (protocol.md §4).

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace darkroom::client {

/// The first node is about to run.
struct JobStarted {};
/// These nodes keep what they gave in an earlier job, and do not run.
struct NodesCached {
  std::vector<std::string> nodes;
};
/// Node `number` of `total` begins. 1 … total; cached ones count as nodes that are over.
struct NodeStarted {
  std::string node;
  std::size_t number = 0, total = 0;
};
/// Step `value` of `max` of a node's own work.
struct NodeStep {
  std::string node;
  std::int64_t value = 0, max = 0;
};
/// A picture of how far a node has come. `node` is empty for servers that do not say.
struct PreviewImage {
  std::string node;
  std::string content_type;  ///< "image/jpeg" or "image/png"
  std::string bytes;
};
/// A line that a node shows about its work.
struct NodeText {
  std::string node, text;
};
/// A blocker took the place of this node's result; the rest of the job goes on.
struct NodeBlocked {
  std::string node, node_class, message;
};
struct NodeFinished {
  std::string node;
};
/// An output node's result: its ui data, `{"images": [{filename, subfolder, type}]}`.
struct NodeOutput {
  std::string node;
  json::object output;
};
/// The end: everything is in the history.
struct JobDone {};
struct JobFailed {
  std::string node, node_class;
  std::string exception_type, message;
  std::vector<std::string> traceback;
};
/// It was interrupted, or deleted before it began: then `node` is empty.
struct JobInterrupted {
  std::string node, node_class;
};

using JobEvent = std::variant<JobStarted, NodesCached, NodeStarted, NodeStep, PreviewImage, NodeText, NodeBlocked, NodeFinished, NodeOutput,
                              JobDone, JobFailed, JobInterrupted>;

/// The data of an execution_error.
JobFailed read_failure(const json::object& data);
/// "node 3 (KSampler) failed: ValueError: …"; `traceback`: with the node's own below it.
std::string describe_failure(const JobFailed& failure, bool traceback = false);

/// One of the last three kinds: nothing comes after it.
bool is_end(const JobEvent& event);

/// A binary message of the server, taken apart.
struct BinaryMessage {
  enum class Kind { kPreview, kText };
  Kind kind = Kind::kPreview;
  std::string prompt_id, node;  ///< empty where the message does not say
  std::string content_type;     ///< of a preview
  std::string body;
};
/// Nothing for a kind that is not known, and for one that is damaged.
std::optional<BinaryMessage> read_binary(std::string_view bytes);

/// Follows one job: messages → events.
class JobEvents {
 public:
  /// `total`: nodes that the job has; 0: not known, then each new node makes it grow.
  explicit JobEvents(std::size_t total = 0) : total_(total) {}

  /// The events of one text message of this job (`data` has its prompt_id), in order.
  std::vector<JobEvent> take(std::string_view type, const json::object& data);
  /// The end, as the job's entry in the history tells it, with the outputs that no message told.
  std::vector<JobEvent> take_history(const json::object& entry);

  /// The server knows it no more: it left the queue without having run, or the server lost it.
  std::vector<JobEvent> take_loss();

  const std::string& running() const { return running_; }  ///< the node at work; empty: none
  bool over() const { return over_; }

 private:
  void start(const std::string& node, std::vector<JobEvent>& out);
  void finish(const std::string& node, std::vector<JobEvent>& out);
  void end(std::vector<JobEvent>& out);
  void note_failure(std::string_view type, const json::object& data);

  std::size_t total_;
  std::set<std::string, std::less<>> begun_, finished_, told_;
  std::string running_;
  std::optional<JobEvent> failure_;
  bool tells_states_ = false;  ///< the server says itself which nodes are finished
  bool over_ = false;
};

}  // namespace darkroom::client
