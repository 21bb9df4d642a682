#include "cli/server_run.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/preview_screen.hpp"
#include "cli/results.hpp"
#include "cli/server_of_run.hpp"
#include "cli/workflow_file.hpp"
#include "workflow/object_info.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollTime = std::chrono::seconds(1);  ///< without a socket

/// A multipart body with one picture and the text fields that go with it.
std::string upload_body(const std::string& boundary, const std::string& filename, const std::string& bytes) {
  std::string safe;
  for (const char c : filename) safe += c == '"' || c == '\\' || c == '\r' || c == '\n' ? '_' : c;
  return fmt::format("--{0}\r\nContent-Disposition: form-data; name=\"overwrite\"\r\n\r\ntrue\r\n"
                     "--{0}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{1}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                     boundary, safe) +
         bytes + fmt::format("\r\n--{}--\r\n", boundary);
}

class ServerRun {
 public:
  ServerRun(const RunOptions& options, ProgressView& view)
      : options_(options), view_(view), client_(client_of(io_.get_executor(), options)), signals_(io_, SIGINT, SIGTERM), text_(read_workflow(options)) {}

  std::vector<fs::path> run() {
    std::exception_ptr failure;
    asio::co_spawn(io_, watch_signals(), asio::detached);
    asio::co_spawn(io_, work(), [&](std::exception_ptr fault) {
      failure = fault;
      io_.stop();
    });
    io_.run();
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const Unavailable& fault) {
      throw RunFailure(RunStatus::kUnreachable, fault.what());
    } catch (const Forbidden& fault) {
      throw RunFailure(RunStatus::kUsage, fault.what());
    }
    return paths_;
  }

 private:
  asio::awaitable<void> work() {
    const SchemaSet schemas = co_await fetch_schemas();
    PreparedWorkflow workflow = prepare_workflow(text_, options_, schemas);
    for (const auto& [input, seed] : workflow.seeds) view_.say(fmt::format("{} = {}", std::string_view(input), seed.to_number<std::int64_t>()));
    for (const auto& picture : options_.inputs) co_await upload(picture);

    const std::string client_id = uuid4();
    if (screen_.on()) client_.on_binary([this](std::string_view bytes) { on_binary(bytes); });
    bool connected = true;
    try {
      co_await client_.open_socket("/ws?clientId=" + percent_encode(client_id));
    } catch (const Unavailable& fault) {
      view_.say(std::string(fault.what()) + "; asking for the end every second");
      connected = false;
    }
    co_await submit(workflow, client_id);
    view_.begin(workflow.prompt, nodes_needed(workflow.prompt, output_nodes(workflow.prompt, schemas)));
    while (connected && !ended_) {
      const auto message = co_await client_.read_message();
      if (!message) {
        if (!ended_ && !deleted_) view_.say("the WebSocket was closed; asking for the end every second");
        break;
      }
      on_message(*message);
    }
    const json::object entry = co_await history();
    view_.clear();
    if (failure_) throw *failure_;
    co_await fetch_results(entry);
  }

  asio::awaitable<SchemaSet> fetch_schemas() {
    const auto reply = co_await client_.get("/object_info");
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

  asio::awaitable<void> upload(const fs::path& picture) {
    std::ifstream file(picture, std::ios::binary);
    if (!file) throw RunFailure(RunStatus::kWorkflow, picture.string() + " can't be opened");
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::string boundary = "darkroom-" + random_hex(32);
    const auto reply = co_await client_.post("/upload/image", upload_body(boundary, picture.filename().string(), bytes), "multipart/form-data; boundary=" + boundary);
    if (reply.status != 200) throw RunFailure(RunStatus::kWorkflow, fmt::format("the server refused {} with {}", picture.string(), reply.status));
  }

  asio::awaitable<void> submit(const PreparedWorkflow& workflow, const std::string& client_id) {
    json::object body{{"prompt", workflow.prompt}, {"client_id", client_id}};
    json::object extra;
    if (!workflow.extra_pnginfo.empty()) extra["extra_pnginfo"] = workflow.extra_pnginfo;
    if (screen_.on()) extra["preview_method"] = "auto";  // for this job, whatever the server does without
    if (!extra.empty()) body["extra_data"] = std::move(extra);
    const auto reply = co_await client_.post("/prompt", dump(body));
    const json::value answer = reply.as_json();
    const auto* object = answer.if_object();
    static const json::object kNone;
    const auto* node_errors = object ? find_object(*object, "node_errors") : nullptr;
    if (reply.status != 200 || !object) {
      const auto* error = object ? find_object(*object, "error") : nullptr;
      if (reply.status == 400 && error) throw RunFailure(RunStatus::kWorkflow, describe_refusal(*error, node_errors ? *node_errors : kNone, workflow.prompt));
      throw RunFailure(RunStatus::kUnreachable, fmt::format("the server answered /prompt with {}{}", reply.status, error ? ": " + string_or(*error, "message", "") : ""));
    }
    job_ = string_or(*object, "prompt_id", "");
    if (job_.empty()) throw Unavailable("the server gave no prompt_id");
    if (node_errors && !node_errors->empty()) view_.say(describe_refusal({{"message", "Some outputs are left out"}}, *node_errors, workflow.prompt));
  }

  void on_message(const std::string& text) {
    json::value value;
    try {
      value = parse_json(text);
    } catch (const Error&) {
      return;  // a pack's message may be anything
    }
    const auto* message = value.if_object();
    const auto* data = message ? find_object(*message, "data") : nullptr;
    if (!data || string_or(*data, "prompt_id", "") != job_) return;
    const std::string type = string_or(*message, "type", "");
    if (type == "executing") on_executing(*data);
    else if (type == "progress") view_.step(string_or(*data, "node", ""), number_or(*data, "value", 0), number_or(*data, "max", 0));
    else if (type == "progress_state") on_progress_state(*data);
    else if (type == "execution_cached") {
      if (const auto* nodes = find_array(*data, "nodes"))
        for (const auto& node : *nodes)
          if (node.is_string()) view_.cached(std::string(node.get_string()));
    } else if (type == "execution_error") {
      if (string_or(*data, "exception_type", "") == "ExecutionBlocked") view_.say(string_or(*data, "exception_message", ""));
      else failure_.emplace(RunStatus::kExecution, describe_failure(*data, options_.traceback()));
    } else if (type == "execution_interrupted") {
      failure_.emplace(RunStatus::kInterrupted, fmt::format("interrupted in node {} ({})", string_or(*data, "node_id", "?"), string_or(*data, "node_type", "?")));
    }
  }

  /// A preview: two numbers of 32 bits, big-endian (1: a picture; its format), then the picture.
  void on_binary(std::string_view bytes) {
    constexpr std::size_t kHead = 8;
    if (bytes.size() > kHead && bytes.substr(0, 4) == std::string_view("\0\0\0\1", 4)) view_.picture(screen_.show(bytes.substr(kHead)));
  }

  void on_executing(const json::object& data) {
    const auto node = find_string(data, "node");
    if (!current_.empty() && node != current_ && !failure_) view_.finished(current_);
    current_ = node.value_or("");
    if (node) view_.started(*node);
    else ended_ = true;
  }

  void on_progress_state(const json::object& data) {
    const auto* nodes = find_object(data, "nodes");
    if (!nodes) return;
    for (const auto& [id, state] : *nodes)
      if (const auto* object = state.if_object(); object && string_or(*object, "state", "") == "finished" && finished_.insert(std::string(id)).second) view_.finished(std::string(id));
  }

  /// The job's entry, asked for until it is there: it is when the last message has come.
  asio::awaitable<json::object> history() {
    for (;;) {
      const auto reply = co_await client_.get("/history/" + percent_encode(job_));
      const json::value value = reply.as_json();
      const auto* all = value.if_object();
      const auto* entry = all ? find_object(*all, job_) : nullptr;
      if (entry) {
        note_failure(*entry);
        co_return *entry;
      }
      if (deleted_) throw RunFailure(RunStatus::kInterrupted, "taken out of the queue");
      asio::steady_timer timer(io_, kPollTime);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  /// What the messages did not tell, because there were none.
  void note_failure(const json::object& entry) {
    const auto* status = find_object(entry, "status");
    if (failure_ || !status || string_or(*status, "status_str", "success") == "success") return;
    if (const auto* messages = find_array(*status, "messages"))
      for (const auto& item : *messages) {
        const auto* pair = item.if_array();
        if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_object()) continue;
        if ((*pair)[0].get_string() == "execution_error") failure_.emplace(RunStatus::kExecution, describe_failure((*pair)[1].get_object(), options_.traceback()));
        if ((*pair)[0].get_string() == "execution_interrupted") failure_.emplace(RunStatus::kInterrupted, "interrupted");
      }
    if (!failure_) failure_.emplace(RunStatus::kExecution, "the job failed");
  }

  asio::awaitable<void> fetch_results(const json::object& entry) {
    static const json::object kNone;
    const auto* outputs = find_object(entry, "outputs");
    const RunResults results = results_of(outputs ? *outputs : kNone);
    for (const auto& [node, text] : results.texts) view_.say(fmt::format("node {}: {}", node, text));
    for (const auto& file : results.files) {
      const auto reply = co_await client_.get(fmt::format("/view?filename={}&subfolder={}&type={}", percent_encode(file.filename), percent_encode(file.subfolder), percent_encode(file.type)));
      if (reply.status != 200) throw RunFailure(RunStatus::kUnreachable, fmt::format("the server answered {} with {}", file.filename, reply.status));
      const fs::path path = place_for(file, options_.output);
      std::ofstream out(path, std::ios::binary);
      out.write(reply.body.data(), static_cast<std::streamsize>(reply.body.size()));
      out.close();
      if (!out) throw RunFailure(RunStatus::kInternal, path.string() + " can't be written");
      paths_.push_back(path);
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

  /// Whether it waits or runs: only one of the two requests has an effect.
  asio::awaitable<void> stop_job() {
    try {
      const std::string id = dump(json::value(job_));
      co_await client_.post("/queue", "{\"delete\": [" + id + "]}");
      co_await client_.post("/interrupt", "{\"prompt_id\": " + id + "}");
      const auto reply = co_await client_.get("/queue");
      if (reply.body.find(job_) == std::string::npos) {
        // It never began, or is over: nothing more comes over the socket if it was only deleted.
        deleted_ = true;
        client_.close_socket();
      }
    } catch (const Error& error) {
      view_.say(error.what());
    }
  }

  const RunOptions& options_;
  ProgressView& view_;
  PreviewScreen screen_{options_.previews ? preview_form() : PreviewForm::kNone, terminal_of_stderr()};
  asio::io_context io_{1};
  ServerClient client_;
  asio::signal_set signals_;
  const std::string text_;
  std::string job_, current_;
  std::set<std::string> finished_;
  std::optional<RunFailure> failure_;
  bool ended_ = false, deleted_ = false;
  std::vector<fs::path> paths_;
};

}  // namespace

std::vector<fs::path> run_on_server(const RunOptions& options, ProgressView& view) { return ServerRun(options, view).run(); }

}  // namespace darkroom
