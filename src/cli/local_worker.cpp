#include "cli/local_worker.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "cli/exit_status.hpp"
#include "gateway/ask_worker.hpp"
#include "messages/wire.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: time for the worker of `darkroom run` to load its libraries, s. Beyond: the run ends with an error. Fixed: slow disks are allowed
/// for. Edge: test_limits.py::test_a_run_whose_worker_is_silent_ends.
constexpr auto kStartTime = std::chrono::seconds(120);
/// Limit: time for a node to end after Ctrl-C, s. Beyond: its process is killed. Fixed: the grace time of the server. Edge:
/// test_limits.py::test_a_run_whose_node_ignores_ctrl_c_ends.
constexpr auto kGraceTime = std::chrono::seconds(10);

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

Folders run_folders(const RunOptions& run, const Options& options, const fs::path& input, const fs::path& output, const fs::path& temp) {
  Folders folders = Folders::below(options.base_directory, shipped_model_folders());
  if (!input.empty()) folders.input = fs::absolute(input);
  for (const auto& file : run.extra_model_paths) folders.add_extra_paths(file);
  try {
    folders.create_missing();
    folders.output = fs::absolute(output).lexically_normal();  // models in `output/<key>` stay where they were
    fs::create_directories(folders.output);
  } catch (const fs::filesystem_error& error) {
    throw RunFailure(RunStatus::kUsage, fmt::format("the folder {} can't be made: {}", error.path1().string(), error.code().message()));
  }
  folders.temp = temp;
  return folders;
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "darkroom-run-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw RunFailure(RunStatus::kInternal, "no temporary folder can be made in " + fs::temp_directory_path().string());
  path = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

LocalWorker::LocalWorker(asio::io_context& io, const RunOptions& run, const fs::path& input, const fs::path& output, const fs::path& temp)
    : io_(io),
      options_(gateway_options(run)),
      folders_(run_folders(run, options_, input, output, temp)),
      schemas_(folders_),
      workers_(io.get_executor(), options_, folders_, schemas_),
      changed_(io),
      grace_(io) {}

LocalWorker::~LocalWorker() { pool_.stop(); }

asio::awaitable<void> LocalWorker::start() {
  workers_.listen({.ready =
                       [this](WorkerHandle& worker) {
                         worker_ = &worker;
                         changed_.cancel();
                       },
                   .record = [this](WorkerHandle&, Record record) { handle(std::move(record)); },
                   .lost = [this](WorkerHandle&, LostReason reason) { lost(reason); }});
  workers_.start();
  co_await wait_for_worker();
}

asio::awaitable<void> LocalWorker::wait_for_worker() {
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (!worker_ && !interrupted_ && std::chrono::steady_clock::now() < deadline) {
    changed_.expires_at(deadline);
    boost::system::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (interrupted_) throw RunFailure(RunStatus::kInterrupted, "interrupted");
  if (!worker_) throw RunFailure(RunStatus::kUnreachable, "the worker did not start");
}

asio::awaitable<Validation> LocalWorker::check(json::object& prompt) {
  const auto classes = schemas_.current();
  auto work = [&] { return validate(prompt, *classes, schemas_.lists(), nullptr, ask_worker(workers_, io_.get_executor())); };
  co_return co_await pool_.run(std::move(work));
}

asio::awaitable<JobEnd> LocalWorker::run(Job job, std::function<void(const JobEvent&)> tell) {
  co_await wait_for_worker();
  end_.reset();
  job_ = job.id;
  tell_ = std::move(tell);
  worker_->send({"run", {{"job", job.to_json()}}, {}});
  while (!end_) {
    changed_.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  job_.clear();
  tell_ = nullptr;
  co_return *end_;
}

asio::awaitable<void> LocalWorker::stop() {
  stopping_ = true;
  grace_.cancel();
  co_await workers_.stop();
}

void LocalWorker::interrupt() {
  interrupted_ = true;
  changed_.cancel();
  if (!worker_ || job_.empty() || end_) return;
  worker_->send({"cancel", {{"job", job_}}, {}});
  grace_.expires_after(kGraceTime);
  grace_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped && !end_) kill();
  });
}

void LocalWorker::kill() {
  if (worker_) worker_->kill(LostReason::kCancelled);
}

void LocalWorker::handle(Record record) {
  if (record.kind != "event" || job_.empty() || end_ || string_or(record.data, "job", "") != job_) return;
  const JobEvent event = event_of(record);
  tell_(event);
  if (std::holds_alternative<JobSucceeded>(event)) finish({});
  else if (const auto* stopped = std::get_if<JobInterrupted>(&event))
    finish({.kind = JobEnd::Kind::kInterrupted,
            .error = {},
            .text = fmt::format("interrupted in node {} ({})", stopped->node, stopped->node_type)});
  else if (const auto* failed = std::get_if<JobFailed>(&event)) finish({.kind = JobEnd::Kind::kFailed, .error = failed->error, .text = {}});
}

void LocalWorker::lost(LostReason reason) {
  worker_ = nullptr;
  if (job_.empty() || end_ || stopping_) return;
  if (interrupted_) return finish({.kind = JobEnd::Kind::kInterrupted, .error = {}, .text = "interrupted"});
  if (reason == LostReason::kMemory)
    finish({.kind = JobEnd::Kind::kOutOfMemory, .error = {}, .text = "the worker used more memory than --ram allows"});
  else finish({.kind = JobEnd::Kind::kLost, .error = {}, .text = "the worker crashed"});
}

void LocalWorker::finish(JobEnd end) {
  end_ = std::move(end);
  changed_.cancel();
}

}  // namespace darkroom
