#pragma once
// What `progress_state` shows of a running job (protocol.md §4.6): every node touched so far, in the order of first touch.
// An event costs the same whatever the size of the graph; the message is made only when somebody gets it.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "messages/events.hpp"

namespace darkroom {

/// Up to so many touched nodes the message holds all of them; above, only the running ones and what changed (DESIGN §9).
/// Limit: nodes of a graph that progress_state repeats whole. Beyond: it holds what runs and what changed, 20 times a second. Fixed: more
/// would cost the square of the nodes. Edge: JobDeskTest.LargeGraphsAreTold20TimesASecondAndCompleteAtTheEnd,
/// ProgressState.ThinningBeginsAtTheLimit.
constexpr std::size_t kWholeProgressNodes = 200;
/// Longest message above that.
/// Limit: a thinned progress_state message, bytes. Beyond: the rest follows in the next one. Fixed: clients read messages of up to 1 MiB.
/// Edge: ProgressState.AMessageHasALimitAndTheRestFollows.
constexpr std::size_t kProgressBytes = 512u << 10;

class ProgressState {
 public:
  explicit ProgressState(std::string prompt_id);

  void start(const NodeIds& ids);
  void step(const NodeProgress& event);
  void finish(const NodeIds& ids, bool cached);

  std::size_t touched() const { return nodes_.size(); }
  bool whole() const { return touched() <= kWholeProgressNodes; }  ///< messages hold every node
  bool has_running() const { return running_ > 0; }
  bool has_changes() const { return !changed_.empty(); }
  const NodeIds* ids(const std::string& node) const;  ///< null for a node not touched yet

  /// The message with every node. Marks nothing.
  std::string whole_message();
  /// The message with the running nodes and those that changed since the last call, as many as fit into kProgressBytes; the
  /// rest stays for the next call.
  std::string changes_message();

 private:
  struct Node {
    NodeIds ids;
    json::value value, max;
    bool running = false;
    bool changed = false;
    bool in_message = false;  ///< already in the message that is being made
    std::string head, tail;   ///< `"id":{` and what follows the state: constant
  };

  std::size_t touch(const NodeIds& ids);
  void mark(std::size_t index);
  void set_running(Node& node, bool running);
  static void append(std::string& out, const Node& node);
  std::string opening() const;

  std::string prompt_id_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::size_t> index_;
  std::string body_;                   ///< entries of the first `written_` nodes as they are now: what whole_message() repeats
  std::vector<std::size_t> ends_;      ///< where each of them ends in `body_`
  std::size_t written_ = 0;
  std::vector<std::size_t> changed_;   ///< since the last changes_message()
  std::vector<std::size_t> runners_;   ///< may hold some that run no more; swept when a message is made
  std::size_t running_ = 0;
};

}  // namespace darkroom
