#include "cli/server_run.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <optional>

#include "cli/exit_status.hpp"
#include "cli/preview_screen.hpp"
#include "cli/server_of_run.hpp"
#include "cli/workflow_file.hpp"
#include "client/client.hpp"
#include "client/transport.hpp"
#include "workflow/object_info.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using namespace client;  // of its own names there are many here

class ServerRun {
 public:
  ServerRun(const RunOptions& options, ProgressView& view)
      : options_(options), view_(view), client_(client_of(io_.get_executor(), options)), signals_(io_, SIGINT, SIGTERM), text_(read_workflow(options)) {}

  std::vector<fs::path> run(std::string& prompt_id) {
    std::exception_ptr failure;
    asio::co_spawn(io_, watch_signals(), asio::detached);
    asio::co_spawn(io_, work(), [&](std::exception_ptr fault) {
      failure = fault;
      io_.stop();
    });
    io_.run();
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const PromptRefused& fault) {
      throw RunFailure(RunStatus::kWorkflow, fault.what());
    } catch (const Forbidden& fault) {
      throw RunFailure(RunStatus::kUsage, fault.what());
    } catch (const InternalError&) {
      throw;
    } catch (const Error& fault) {
      throw RunFailure(RunStatus::kUnreachable, fault.what());
    }
    prompt_id = job_;
    return paths_;
  }

 private:
  asio::awaitable<void> work() {
    const SchemaSet schemas = co_await fetch_schemas();
    PreparedWorkflow workflow = prepare_workflow(text_, options_, schemas);
    for (const auto& [input, seed] : workflow.seeds) view_.say(fmt::format("{} = {}", std::string_view(input), seed.to_number<std::int64_t>()));
    for (const auto& picture : options_.inputs) co_await upload(picture);
    if (!options_.no_wait) co_await connect();
    const std::size_t needed = nodes_needed(workflow.prompt, output_nodes(workflow.prompt, schemas));
    QueueOptions wish;
    wish.extra_pnginfo = std::move(workflow.extra_pnginfo);
    wish.previews = screen_.on();  // for this job, whatever the server does without
    wish.total_nodes = needed;
    Job job = co_await client_.queue_prompt(workflow.prompt, std::move(wish));
    job_ = job.id();
    if (!job.node_errors().empty())
      view_.say(describe_refusal({{"message", "Some outputs are left out"}}, job.node_errors(), workflow.prompt));
    if (options_.no_wait) co_return;
    view_.begin(workflow.prompt, needed);
    while (const auto event = co_await job.next()) std::visit([&](const auto& what) { show(what); }, *event);
    view_.clear();
    if (failure_) throw *failure_;
    co_await fetch_results();
  }

  asio::awaitable<void> connect() {
    try {
      co_await client_.connect();
    } catch (const Unavailable& fault) {
      view_.say(std::string(fault.what()) + "; asking for the end every second");
    }
  }

  asio::awaitable<SchemaSet> fetch_schemas() {
    const auto reply = co_await client_.transport().get("/object_info");
    if (reply.status != 200) throw RunFailure(RunStatus::kUnreachable, fmt::format("the server answered /object_info with {}", reply.status));
    try {
      co_return read_object_info_text(reply.body);
    } catch (const Error&) {
      throw Unavailable("the server answered /object_info with something that is no list of classes");
    }
  }

  static std::vector<std::string> output_nodes(const json::object& prompt, const SchemaSet& schemas) {
    std::vector<std::string> ids;
    for (const auto& [id, node] : prompt) {
      const auto* object = node.if_object();
      const NodeSchema* schema = object ? schemas.find(string_or(*object, "class_type", "")) : nullptr;
      if (schema && schema->is_output_node()) ids.emplace_back(id);
    }
    return ids;
  }

  asio::awaitable<void> upload(fs::path picture) {
    UploadOptions wish;
    wish.overwrite = true;
    try {
      co_await client_.upload_image(picture, std::move(wish));
    } catch (const NotFound& fault) {
      throw RunFailure(RunStatus::kWorkflow, fault.what());
    } catch (const InvalidInput& fault) {
      throw RunFailure(RunStatus::kWorkflow, fault.what());
    } catch (const TooLarge& fault) {
      throw RunFailure(RunStatus::kWorkflow, fault.what());
    }
  }

  // What happens to the job, as the user sees it.
  void show(const NodesCached& event) {
    for (const auto& node : event.nodes) view_.cached(node);
  }
  void show(const NodeStarted& event) { view_.started(event.node); }
  void show(const NodeStep& event) { view_.step(event.node, static_cast<double>(event.value), static_cast<double>(event.max)); }
  void show(const PreviewImage& event) { view_.picture(screen_.show(event.bytes)); }
  void show(const NodeFinished& event) { view_.finished(event.node); }
  void show(const JobFailed& event) { failure_.emplace(RunStatus::kExecution, describe_failure(event, options_.traceback())); }
  void show(const JobInterrupted& event) {
    failure_.emplace(RunStatus::kInterrupted, event.node.empty()
                                                  ? "taken out of the queue"
                                                  : fmt::format("interrupted in node {} ({})", event.node, event.node_class));
  }
  void show(const NodeBlocked& event) { view_.say(event.message); }
  void show(const JobStarted&) {}
  void show(const NodeText&) {}
  void show(const NodeOutput&) {}
  void show(const JobDone&) {}

  asio::awaitable<void> fetch_results() {
    const auto entry = co_await client_.get_history(job_);
    static const json::object kNone;
    const auto* outputs = entry ? find_object(*entry, "outputs") : nullptr;
    const RunResults results = results_of(outputs ? *outputs : kNone);
    for (const auto& [node, text] : results.texts) view_.say(fmt::format("node {}: {}", node, text));
    for (const auto& file : results.files) {
      std::string bytes = co_await client_.get_image(file.filename, file.subfolder, file.type);
      const FetchedImage image{file.node, file.filename, file.subfolder, file.type, std::move(bytes)};
      paths_.push_back(save_image(image, options_.output));
    }
  }

  asio::awaitable<void> watch_signals() {
    boost::system::error_code fault;
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
    if (!job_.empty()) {
      view_.say("stopping the job; once more to leave it");
      asio::co_spawn(io_, stop_job(), asio::detached);
      co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
      if (fault) co_return;
    }
    view_.clear();
    std::_Exit(static_cast<int>(RunStatus::kInterrupted));
  }

  asio::awaitable<void> stop_job() {
    try {
      co_await client_.cancel(job_);
    } catch (const Error& error) {
      view_.say(error.what());
    }
  }

  const RunOptions& options_;
  ProgressView& view_;
  PreviewScreen screen_{options_.previews ? preview_form() : PreviewForm::kNone, terminal_of_stderr()};
  asio::io_context io_{1};
  Client client_;
  asio::signal_set signals_;
  const std::string text_;
  std::string job_;
  std::optional<RunFailure> failure_;
  std::vector<fs::path> paths_;
};

}  // namespace

std::vector<fs::path> run_on_server(const RunOptions& options, ProgressView& view, std::string& prompt_id) {
  return ServerRun(options, view).run(prompt_id);
}

}  // namespace darkroom
