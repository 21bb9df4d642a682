#include "cli/local_run.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/local_worker.hpp"
#include "cli/preview_screen.hpp"
#include "cli/workflow_file.hpp"
#include "client/client.hpp"
#include "client/results.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

class LocalRun {
 public:
  LocalRun(const RunOptions& run, ProgressView& view)
      : run_(run),
        view_(view),
        worker_(io_, run, run.input_directory, run.output, scratch_.path),
        text_(read_workflow(run)),
        signals_(io_, SIGINT, SIGTERM) {
    for (const auto& picture : run.inputs) take_input(picture);
  }

  std::vector<fs::path> run() {
    std::exception_ptr failure;
    asio::co_spawn(io_, watch_signals(), asio::detached);
    asio::co_spawn(io_, work(), [&](std::exception_ptr fault) {
      failure = fault;
      asio::co_spawn(io_, shut_down(), asio::detached);
    });
    io_.run();
    if (failure) std::rethrow_exception(failure);
    return collect();
  }

 private:
  /// A picture of the user's becomes a file of the input folder, under its own name.
  void take_input(const fs::path& picture) {
    const fs::path target = resolve_inside(worker_.folders().input, picture.filename().string());
    std::error_code fault;
    if (fs::equivalent(picture, target, fault)) return;
    fault.clear();
    fs::copy_file(picture, target, fs::copy_options::overwrite_existing, fault);
    if (fault) throw RunFailure(RunStatus::kWorkflow, fmt::format("{} can't be copied into the input folder: {}", picture.string(), fault.message()));
  }

  asio::awaitable<void> work() {
    co_await worker_.start();
    PreparedWorkflow workflow = prepare_workflow(text_, run_, *worker_.schemas().current());
    for (const auto& [input, seed] : workflow.seeds) view_.say(fmt::format("{} = {}", std::string_view(input), seed.to_number<std::int64_t>()));

    const Validation validation = co_await worker_.check(workflow.prompt);
    if (!validation.ok)
      throw RunFailure(RunStatus::kWorkflow, client::describe_refusal(validation.error, validation.node_errors, workflow.prompt));
    if (!validation.node_errors.empty())
      view_.say(client::describe_refusal({{"message", "Some outputs are left out"}}, validation.node_errors, workflow.prompt));

    Job job;
    job.id = uuid4();
    job.number = 0;
    job.prompt = std::move(workflow.prompt);
    if (!workflow.extra_pnginfo.empty()) job.extra_data["extra_pnginfo"] = std::move(workflow.extra_pnginfo);
    if (screen_.on()) job.extra_data["preview_method"] = "auto";
    job.outputs = validation.outputs;
    job.attempt = 1;
    job.create_time = now_ms();
    view_.begin(job.prompt, nodes_needed(job.prompt, job.outputs));
    const JobEnd end =
        co_await worker_.run(std::move(job), [this](const JobEvent& event) { std::visit([this](const auto& one) { on(one); }, event); });
    switch (end.kind) {
      case JobEnd::Kind::kDone: co_return;
      case JobEnd::Kind::kFailed:
        throw RunFailure(RunStatus::kExecution, client::describe_failure(client::read_failure(end.error), run_.traceback()));
      case JobEnd::Kind::kInterrupted: throw RunFailure(RunStatus::kInterrupted, end.text);
      case JobEnd::Kind::kLost:
      case JobEnd::Kind::kOutOfMemory: throw RunFailure(RunStatus::kUnreachable, end.text);
    }
  }

  void on(const JobStarted&) {}
  void on(const NodesCached& event) {
    for (const auto& node : event.nodes) view_.cached(node);
  }
  void on(const NodeStarted& event) { view_.started(event.ids.node); }
  void on(const NodeProgress& event) {
    if (!event.picture.empty()) view_.picture(screen_.show(event.picture));
    if (event.value.is_number() && event.max.is_number()) view_.step(event.node, event.value.to_number<double>(), event.max.to_number<double>());
  }
  void on(const NodeExecuted& event) { outputs_[event.ids.node] = event.output; }
  void on(const NodeFinished& event) { view_.finished(event.ids.node); }
  void on(const TextSent& event) { view_.say(event.node + ": " + event.text); }
  void on(const MessageSent&) {}
  void on(const BinarySent&) {}
  void on(const NodeBlocked& event) {
    view_.say(string_or(event.error, "exception_message", "a node was blocked"));
  }
  void on(const JobSucceeded&) {}
  void on(const JobInterrupted&) {}
  void on(const JobFailed&) {}

  asio::awaitable<void> watch_signals() {
    boost::system::error_code fault;
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
    view_.say("stopping; once more to stop at once");
    worker_.interrupt();
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (!fault) worker_.kill();
  }

  asio::awaitable<void> shut_down() {
    co_await worker_.stop();
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    io_.stop();
  }

  /// Saved files are where the user wants them already; previews are copied there out of the temp folder.
  std::vector<fs::path> collect() {
    std::vector<fs::path> paths;
    const Folders& folders = worker_.folders();
    const RunResults results = results_of(outputs_);
    for (const auto& [node, text] : results.texts) view_.say(fmt::format("node {}: {}", node, text));
    for (const auto& file : results.files) {
      const fs::path source = resolve_inside(file.type == "temp"    ? folders.temp
                                             : file.type == "input" ? folders.input
                                                                    : folders.output,
                                             file.subfolder.empty() ? file.filename : file.subfolder + "/" + file.filename);
      if (file.type != "temp") {
        paths.push_back(source);
        continue;
      }
      const fs::path target = place_for(file, folders.output);
      fs::copy_file(source, target);
      paths.push_back(target);
    }
    return paths;
  }

  // Later ones use earlier ones; what is listed first is destroyed last.
  const RunOptions& run_;
  ProgressView& view_;
  PreviewScreen screen_{run_.previews ? preview_form() : PreviewForm::kNone, terminal_of_stderr()};
  ScratchFolder scratch_;
  asio::io_context io_{1};
  LocalWorker worker_;
  const std::string text_;
  asio::signal_set signals_;
  json::object outputs_;
};

}  // namespace

std::vector<fs::path> run_here(const RunOptions& options, ProgressView& view) {
  log::setup("darkroom", options.verbose);
  return LocalRun(options, view).run();
}

}  // namespace darkroom
