#include "cli/local_run.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>
#include <optional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/preview_screen.hpp"
#include "cli/results.hpp"
#include "cli/workflow_file.hpp"
#include "gateway/ask_worker.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/worker_pool.hpp"
#include "messages/job.hpp"
#include "workflow/validate.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// Limit: time for the worker of `darkroom run` to load its libraries, s. Beyond: the run ends with an error. Fixed: slow disks are allowed
/// for. Edge: test_limits.py::test_a_run_whose_worker_is_silent_ends.
constexpr auto kStartTime = std::chrono::seconds(120);
/// Limit: time for a node to end after Ctrl-C, s. Beyond: its process is killed. Fixed: the grace time of the server. Edge:
/// test_limits.py::test_a_run_whose_node_ignores_ctrl_c_ends.
constexpr auto kGraceTime = std::chrono::seconds(10);

/// A temp folder of this run alone, gone with it: the server's own is not touched.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "darkroom-run-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw RunFailure(RunStatus::kInternal, "no temporary folder can be made in " + fs::temp_directory_path().string());
    path = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  fs::path path;
};

Options gateway_options(const RunOptions& run) {
  Options options;
  options.base_directory = run.base_directory;
  options.worker_program = run.worker_program;
  options.precision = run.precision;
  options.cpu = run.cpu;
  options.disable_metadata = run.disable_metadata;
  options.verbose = run.verbose;
  if (!run.ram.empty()) options.ram_bytes = parse_size(run.ram);
  complete(options);
  if (::access(options.worker_program.c_str(), X_OK) != 0)
    throw RunFailure(RunStatus::kUnreachable, "there is no worker program at " + options.worker_program.string());
  return options;
}

Folders run_folders(const RunOptions& run, const Options& options, const fs::path& scratch) {
  Folders folders = Folders::below(options.base_directory, shipped_model_folders());
  if (!run.input_directory.empty()) folders.input = fs::absolute(run.input_directory);
  for (const auto& file : run.extra_model_paths) folders.add_extra_paths(file);
  try {
    folders.create_missing();
    folders.output = fs::absolute(run.output).lexically_normal();  // models in `output/<key>` stay where they were
    fs::create_directories(folders.output);
  } catch (const fs::filesystem_error& error) {
    throw RunFailure(RunStatus::kUsage, fmt::format("the folder {} can't be made: {}", error.path1().string(), error.code().message()));
  }
  folders.temp = scratch;
  return folders;
}

class LocalRun {
 public:
  LocalRun(const RunOptions& run, ProgressView& view)
      : run_(run),
        view_(view),
        options_(gateway_options(run)),
        folders_(run_folders(run, options_, scratch_.path)),
        text_(read_workflow(run)),
        schemas_(folders_),
        workers_(io_.get_executor(), options_, folders_, schemas_),
        changed_(io_),
        grace_(io_),
        signals_(io_, SIGINT, SIGTERM) {
    for (const auto& picture : run.inputs) take_input(picture);
  }
  ~LocalRun() { pool_.stop(); }

  std::vector<fs::path> run() {
    workers_.listen({.ready = [this](WorkerHandle& worker) { worker_ = &worker; wake(); },
                     .record = [this](WorkerHandle&, Record record) { handle(std::move(record)); },
                     .lost = [this](WorkerHandle&, LostReason reason) { lost(reason); }});
    workers_.start();
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
    const fs::path target = resolve_inside(folders_.input, picture.filename().string());
    std::error_code fault;
    if (fs::equivalent(picture, target, fault)) return;
    fault.clear();
    fs::copy_file(picture, target, fs::copy_options::overwrite_existing, fault);
    if (fault) throw RunFailure(RunStatus::kWorkflow, fmt::format("{} can't be copied into the input folder: {}", picture.string(), fault.message()));
  }

  asio::awaitable<void> work() {
    co_await wait_until([this] { return worker_ != nullptr; }, kStartTime);
    if (!worker_) throw RunFailure(RunStatus::kUnreachable, "the worker did not start");
    const auto classes = schemas_.current();
    PreparedWorkflow workflow = prepare_workflow(text_, run_, *classes);
    for (const auto& [input, seed] : workflow.seeds) view_.say(fmt::format("{} = {}", std::string_view(input), seed.to_number<std::int64_t>()));

    Job job;
    auto check = [&] { return validate(workflow.prompt, *classes, schemas_.lists(), nullptr, ask_worker(workers_, io_.get_executor())); };
    const Validation validation = co_await pool_.run(check);
    if (!validation.ok) throw RunFailure(RunStatus::kWorkflow, describe_refusal(validation.error, validation.node_errors, workflow.prompt));
    if (!validation.node_errors.empty())
      view_.say(describe_refusal({{"message", "Some outputs are left out"}}, validation.node_errors, workflow.prompt));

    job_ = job.id = uuid4();
    job.number = 0;
    job.prompt = std::move(workflow.prompt);
    if (!workflow.extra_pnginfo.empty()) job.extra_data["extra_pnginfo"] = std::move(workflow.extra_pnginfo);
    if (screen_.on()) job.extra_data["preview_method"] = "auto";
    job.outputs = validation.outputs;
    job.attempt = 1;
    job.create_time = now_ms();
    view_.begin(job.prompt, nodes_needed(job.prompt, job.outputs));
    worker_->send({"run", {{"job", job.to_json()}}, {}});
    co_await wait_until([this] { return end_.has_value(); }, std::nullopt);
    if (*end_ != RunStatus::kDone) throw RunFailure(*end_, end_text_);
  }

  void handle(Record record) {
    if (record.kind != "event" || string_or(record.data, "job", "") != job_) return;
    std::visit([this](const auto& event) { on(event); }, event_of(record));
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
  void on(const JobSucceeded&) { finish(RunStatus::kDone, ""); }
  void on(const JobInterrupted& event) { finish(RunStatus::kInterrupted, fmt::format("interrupted in node {} ({})", event.node, event.node_type)); }
  void on(const JobFailed& event) { finish(RunStatus::kExecution, describe_failure(event.error, run_.traceback())); }

  void lost(LostReason reason) {
    worker_ = nullptr;
    if (end_ || stopping_) return;
    const char* text = reason == LostReason::kMemory ? "the worker used more memory than --ram allows" : "the worker crashed";
    finish(interrupted_ ? RunStatus::kInterrupted : RunStatus::kUnreachable, interrupted_ ? "interrupted" : text);
  }

  void finish(RunStatus status, const std::string& text) {
    if (end_) return;
    end_ = status;
    end_text_ = text;
    wake();
  }

  void wake() { changed_.cancel(); }

  /// Waits for a change until `reached` or the end of the run; with no limit when none is given.
  template <class Condition>
  asio::awaitable<void> wait_until(Condition reached, std::optional<std::chrono::milliseconds> limit) {
    const auto deadline = limit ? std::chrono::steady_clock::now() + *limit : asio::steady_timer::time_point::max();
    while (!reached() && std::chrono::steady_clock::now() < deadline) {
      if (end_ && *end_ != RunStatus::kDone) throw RunFailure(*end_, end_text_);
      changed_.expires_at(deadline);
      boost::system::error_code ignored;
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  asio::awaitable<void> watch_signals() {
    boost::system::error_code fault;
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
    interrupted_ = true;
    if (worker_ && !job_.empty()) {
      view_.say("stopping; once more to stop at once");
      worker_->send({"cancel", {{"job", job_}}, {}});
      grace_.expires_after(kGraceTime);
      grace_.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped && worker_ && !end_) worker_->kill(LostReason::kCancelled);
      });
      co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
      if (fault) co_return;
      if (worker_) worker_->kill(LostReason::kCancelled);
    }
    finish(RunStatus::kInterrupted, "interrupted");
  }

  asio::awaitable<void> shut_down() {
    stopping_ = true;
    co_await workers_.stop();
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    grace_.cancel();
    io_.stop();
  }

  /// Saved files are where the user wants them already; previews are copied there out of the temp folder.
  std::vector<fs::path> collect() {
    std::vector<fs::path> paths;
    const RunResults results = results_of(outputs_);
    for (const auto& [node, text] : results.texts) view_.say(fmt::format("node {}: {}", node, text));
    for (const auto& file : results.files) {
      const fs::path source = resolve_inside(file.type == "temp" ? folders_.temp : file.type == "input" ? folders_.input : folders_.output,
                                             file.subfolder.empty() ? file.filename : file.subfolder + "/" + file.filename);
      if (file.type != "temp") {
        paths.push_back(source);
        continue;
      }
      const fs::path target = place_for(file, folders_.output);
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
  const Options options_;
  const Folders folders_;
  const std::string text_;
  BlockingPool pool_{1};
  asio::io_context io_{1};
  SchemaStore schemas_;
  WorkerPool workers_;
  asio::steady_timer changed_;  ///< cancelled at every change: wait_until() looks again
  asio::steady_timer grace_;
  asio::signal_set signals_;
  WorkerHandle* worker_ = nullptr;
  std::string job_;
  json::object outputs_;
  std::optional<RunStatus> end_;
  std::string end_text_;
  bool interrupted_ = false, stopping_ = false;
};

}  // namespace

std::vector<fs::path> run_here(const RunOptions& options, ProgressView& view) {
  log::setup("darkroom", options.verbose);
  return LocalRun(options, view).run();
}

}  // namespace darkroom
