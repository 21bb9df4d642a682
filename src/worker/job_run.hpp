#pragma once
// One job on its way through the executor (protocol.md §6.1 to §6.12). Made for each job, used once.
//
// A node is taken up when nothing that it waits for is pending. It then ends (its result is kept and reported), or goes
// back to wait: for lazy inputs that it asked for, for an async call, or for the graph that it turned into.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/arguments.hpp"
#include "worker/dynamic_prompt.hpp"
#include "worker/execution_order.hpp"
#include "worker/executor.hpp"
#include "worker/failure.hpp"
#include "worker/merging.hpp"

namespace darkroom {

class JobRun {
 public:
  JobRun(Executor& executor, const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt);
  ~JobRun();

  /// Runs the job; its last event says how it ended. Never throws.
  void run();

 private:
  /// A node between its calls and its end: an async call is under way, or its graph is.
  struct Unfinished {
    std::vector<Outputs> calls;
    std::vector<std::shared_ptr<JobContext>> contexts;  ///< of async calls
    std::vector<NodeIndex> sources;                     ///< nodes that links of its slots come from
    bool expanded = false;
  };
  struct State {
    ResultPtr result;        ///< while somebody may need it
    std::uint32_t uses = 0;  ///< links of pending nodes that come from here
    std::unique_ptr<Unfinished> unfinished;
  };

  void prepare();
  void save_marks();
  void execute();

  void take_up(NodeIndex at);
  void report_cached(NodeIndex at, const ResultPtr& result);
  Arguments collect(NodeIndex at);
  void add_hidden(const PromptNode& node, Arguments& arguments) const;
  bool ask_lazy(NodeIndex at, Node& instance);
  void call(NodeIndex at, Node& instance);
  std::optional<Outputs> blocked(NodeIndex at, std::size_t k, bool takes_lists);
  void resume(NodeIndex at);
  void settle(NodeIndex at, std::unique_ptr<Unfinished> unfinished);
  void expand(NodeIndex at, std::unique_ptr<Unfinished> unfinished);
  void finish(NodeIndex at, const Unfinished& unfinished);

  bool poll_async();
  void wait_async();

  ResultPtr result_of(NodeIndex at);
  State& state(NodeIndex at);
  void on_added(NodeIndex at);
  void release_sources(NodeIndex at);
  void let_go(NodeIndex at);

  void tell(JobEvent event) { world_->tell(std::move(event)); }
  void fail(const Failure& failure);
  void fail_circle();
  json::object error_data(NodeIndex at) const;

  Executor& executor_;
  const Job& job_;
  std::shared_ptr<JobWorld> world_;
  std::string_view precision_;  ///< of the prompt's networks; empty when it has none
  DynamicPrompt prompt_;
  std::optional<ExecutionOrder> order_;
  std::vector<State> states_;
  std::vector<NodeIndex> waiting_;     ///< nodes with an async call under way
  std::vector<std::string> executed_;  ///< ids run in this prompt
  NodeIndex current_ = kNoNode;
  Arguments arguments_;                ///< of the current node, for its error
};

}  // namespace darkroom
