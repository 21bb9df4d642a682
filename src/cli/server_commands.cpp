// `darkroom queue`, `history`, `view`, `upload`, `interrupt`, `events`: what a shell does with a running server.

#include <fmt/format.h>

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/percent.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/run_flags.hpp"
#include "cli/server_of_run.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using client::Client, client::FetchedImage, client::FileName, client::Queue, client::QueueEntry, client::UploadOptions;

constexpr const char* kStatus =
    "Exit status: 0 done · 1 a fault of this program · 2 wrong flags or token · 3 the server refuses it or has no such thing · 6 no "
    "server\n\n";

struct ServerOptions {
  RunOptions run;  ///< the server, and who asks it
  bool json = false;
  std::vector<std::string> names;  ///< what the command is about: ids or files
  std::size_t max = 20;
  UploadOptions upload;
  std::string output, job, client_id;
  bool previews = false;
};

using Work = std::function<asio::awaitable<void>(Client&, const ServerOptions&)>;

/// Runs `work` against the server, and says what went wrong.
int guarded(const char* command, const ServerOptions& options, const Work& work) {
  RunStatus status = RunStatus::kInternal;
  try {
    asio::io_context io(1);
    Client client = client_of(io.get_executor(), options.run);
    std::exception_ptr failure;
    asio::co_spawn(io, work(client, options), [&](std::exception_ptr fault) {
      failure = fault;
      io.stop();
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
    std::cout.flush();
    return static_cast<int>(RunStatus::kDone);
  } catch (const RunFailure& error) {
    status = error.status;
    std::fprintf(stderr, "darkroom %s: %s\n", command, error.what());
  } catch (const fs::filesystem_error& error) {
    std::fprintf(stderr, "darkroom %s: %s\n", command, error.what());
  } catch (const Error& error) {
    switch (error.kind()) {
      case ErrorKind::kUnavailable: status = RunStatus::kUnreachable; break;
      case ErrorKind::kForbidden: status = RunStatus::kUsage; break;
      case ErrorKind::kInternal: break;
      default: status = RunStatus::kWorkflow;
    }
    std::fprintf(stderr, "darkroom %s: %s\n", command, error.what());
  }
  return static_cast<int>(status);
}

void print(const json::value& value) { std::cout << dump(value) << '\n'; }

// ---- queue

json::array listed(const std::vector<QueueEntry>& entries) {
  json::array list;
  for (const auto& entry : entries)
    list.push_back(json::object{{"prompt_id", entry.prompt_id}, {"number", entry.number}, {"nodes", entry.prompt.size()}});
  return list;
}

asio::awaitable<void> show_queue(Client& client, const ServerOptions& options) {
  const Queue queue = co_await client.get_queue();
  if (options.json) {
    print(json::object{{"running", listed(queue.running)}, {"pending", listed(queue.pending)}});
    co_return;
  }
  for (const auto& entry : queue.running) std::cout << fmt::format("running  {}  {} nodes\n", entry.prompt_id, entry.prompt.size());
  std::size_t place = 0;
  for (const auto& entry : queue.pending) std::cout << fmt::format("{:>7}  {}  {} nodes\n", ++place, entry.prompt_id, entry.prompt.size());
}

asio::awaitable<void> clear_queue(Client& client, const ServerOptions&) { return client.clear_queue(); }
asio::awaitable<void> delete_from_queue(Client& client, const ServerOptions& options) { return client.delete_from_queue(options.names); }

// ---- history

std::string word_of(const json::object& entry) {
  const auto* status = find_object(entry, "status");
  return status ? string_or(*status, "status_str", "?") : "?";
}

void show_results(const json::object& entry) {
  const auto* outputs = find_object(entry, "outputs");
  if (!outputs) return;
  const RunResults results = results_of(*outputs);
  for (const auto& file : results.files)
    std::cout << FileName{file.filename, file.subfolder, file.type == "output" ? "" : file.type}.as_input() << '\n';
  for (const auto& [node, text] : results.texts) std::cout << text << '\n';
}

asio::awaitable<void> show_history(Client& client, const ServerOptions& options) {
  if (!options.names.empty()) {
    for (const auto& id : options.names) {
      const auto entry = co_await client.get_history(id);
      if (!entry) throw NotFound("the history has no job " + id);
      if (options.json) print(*entry);
      else show_results(*entry);
    }
    co_return;
  }
  const json::object all = co_await client.get_histories(options.max);
  if (options.json) {
    print(all);
    co_return;
  }
  for (const auto& [id, value] : all) {
    const auto* entry = value.if_object();
    const auto* outputs = entry ? find_object(*entry, "outputs") : nullptr;
    if (entry)
      std::cout << fmt::format("{:<8} {}  {} files\n", word_of(*entry), std::string_view(id),
                               outputs ? results_of(*outputs).files.size() : 0);
  }
}

asio::awaitable<void> clear_history(Client& client, const ServerOptions&) { return client.clear_history(); }
asio::awaitable<void> delete_history(Client& client, const ServerOptions& options) { return client.delete_history(options.names); }

// ---- view

asio::awaitable<void> view(Client& client, const ServerOptions& options) {
  if (!options.job.empty()) {
    if (options.output == "-") throw InvalidInput("--job gives several pictures: name a folder");
    json::array paths;
    for (const auto& image : co_await client.get_images(options.job, options.previews)) {
      const fs::path path = client::save_image(image, options.output.empty() ? "." : options.output);
      if (options.json) paths.push_back(json::value(path.string()));
      else std::cout << path.string() << '\n';
    }
    if (options.json) print(paths);
    co_return;
  }
  const auto [plain, mark] = split_annotation(options.names.front());
  const auto slash = plain.rfind('/');
  FetchedImage image{"", slash == plain.npos ? plain : plain.substr(slash + 1), slash == plain.npos ? "" : plain.substr(0, slash),
                     mark.empty() ? "output" : mark, ""};
  image.bytes = co_await client.get_image(image.filename, image.subfolder, image.type);
  if (options.output == "-") {
    std::cout << image.bytes;
    co_return;
  }
  fs::path path;
  if (options.output.empty() || fs::is_directory(options.output)) {
    image.subfolder.clear();
    path = client::save_image(image, options.output.empty() ? "." : options.output);
  } else {
    path = options.output;
    std::ofstream out(path, std::ios::binary);
    out.write(image.bytes.data(), static_cast<std::streamsize>(image.bytes.size()));
    out.close();
    if (!out) throw InternalError(path.string() + " can't be written");
  }
  if (options.json) print(json::object{{"path", path.string()}, {"bytes", image.bytes.size()}});
  else std::cout << path.string() << '\n';
}

// ---- upload, interrupt

asio::awaitable<void> upload(Client& client, const ServerOptions& options) {
  for (const auto& file : options.names) {
    const FileName name = co_await client.upload_image(file, options.upload);
    if (options.json) print(json::object{{"name", name.name}, {"subfolder", name.subfolder}, {"type", name.type}});
    else std::cout << name.as_input() << '\n';
  }
}

asio::awaitable<void> interrupt(Client& client, const ServerOptions& options) {
  if (options.names.empty()) co_await client.interrupt();
  for (const auto& id : options.names) co_await client.cancel(id);
}

// ---- events

/// "executing 3", "progress 3 5/20", … of a message; empty for those that say nothing to people.
std::string line_of(const json::object& message) {
  const std::string type = string_or(message, "type", "?");
  const auto* data = find_object(message, "data");
  if (!data) return type;
  const std::string node = string_or(*data, "node", string_or(*data, "node_id", ""));
  if (type == "status") {
    const auto* status = find_object(*data, "status");
    const auto* info = status ? find_object(*status, "exec_info") : nullptr;
    return fmt::format("status {} in the queue", info ? int_or(*info, "queue_remaining", 0) : 0);
  }
  if (type == "progress_state") return "";
  if (type == "executing" && node.empty()) return "end " + string_or(*data, "prompt_id", "");
  if (type == "progress") return fmt::format("progress {} {}/{}", node, int_or(*data, "value", 0), int_or(*data, "max", 0));
  if (type == "execution_error") return client::describe_failure(client::read_failure(*data));
  if (type == "executed") {
    const auto* output = find_object(*data, "output");
    return fmt::format("executed {} {}", node, output ? dump(*output) : "{}");
  }
  return node.empty() ? type + " " + string_or(*data, "prompt_id", "") : type + " " + node;
}

asio::awaitable<void> events(Client& client, const ServerOptions& options) {
  Transport& transport = client.transport();
  co_await transport.open_socket("/ws?clientId=" + percent_encode(options.client_id));
  if (!options.job.empty()) {
    if (co_await client.get_history(options.job)) co_return;  // over already
    const Queue queue = co_await client.get_queue();
    const auto is_it = [&](const QueueEntry& entry) { return entry.prompt_id == options.job; };
    if (std::ranges::none_of(queue.running, is_it) && std::ranges::none_of(queue.pending, is_it) &&
        !co_await client.get_history(options.job))
      throw NotFound("the server has no job " + options.job);
  }
  while (const auto text = co_await transport.read_message()) {
    json::value value;
    try {
      value = parse_json(*text);
    } catch (const Error&) {
      continue;  // a pack's message may be anything
    }
    const auto* message = value.if_object();
    const auto* data = message ? find_object(*message, "data") : nullptr;
    if (!message) continue;
    const std::string of = data ? string_or(*data, "prompt_id", "") : "";
    if (!options.job.empty() && of != options.job) continue;
    if (options.json) print(value);
    else if (const std::string line = line_of(*message); !line.empty()) std::cout << line << '\n';
    std::cout.flush();
    const bool over = string_or(*message, "type", "") == "executing" && data && !find_string(*data, "node");
    if (over && !options.job.empty()) co_return;
  }
  throw Unavailable("the server closed the WebSocket");
}

/// A command, or a command of a command, about a server.
CLI::App* add(CLI::App& parent, const char* name, const char* help, const std::shared_ptr<ServerOptions>& options, int& status, Work work) {
  CLI::App* command = parent.add_subcommand(name, help);
  add_server_flags(*command, options->run);
  command->add_flag("--json", options->json, "Says it as JSON");
  command->callback([command, name, options, &status, work = std::move(work)] {
    if (command->get_subcommands().empty()) status = guarded(name, *options, work);
  });
  return command;
}

}  // namespace

void add_server_commands(CLI::App& app, int& status) {
  const auto options = std::make_shared<ServerOptions>();

  CLI::App* queue = add(app, "queue", "Shows what a server runs and what waits there", options, status, show_queue);
  queue->footer(std::string(kStatus) + "Examples: darkroom queue --json\n          darkroom queue delete 2f0c…");
  add(*queue, "clear", "Takes everything out that waits", options, status, clear_queue);
  add(*queue, "delete", "Takes out jobs that wait", options, status, delete_from_queue)
      ->add_option("id", options->names, "Their prompt ids")
      ->required();

  CLI::App* history = add(app, "history", "Shows what a server has done; with ids, what those jobs gave", options, status, show_history);
  history->add_option("id", options->names, "Prompt ids: the files and texts of these jobs alone");
  history->add_option("--max", options->max, "The newest so many  [20]")->check(CLI::PositiveNumber);
  history->footer(std::string(kStatus) + "Examples: darkroom history --max 5\n          darkroom history 2f0c… --json");
  add(*history, "clear", "Forgets all jobs that are over; their files stay", options, status, clear_history);
  add(*history, "delete", "Forgets jobs that are over; their files stay", options, status, delete_history)
      ->add_option("id", options->names, "Their prompt ids")
      ->required();

  CLI::App* show = add(app, "view", "Fetches a file from a server, or all that a job made", options, status, view);
  auto* name =
      show->add_option("name", options->names, "SUBFOLDER/NAME of an output; [temp] or [input] behind it for one of those")->expected(1);
  auto* job = show->add_option("--job", options->job, "Prompt id: all pictures of this job")->excludes(name);
  show->add_flag("--previews", options->previews, "Those of the temp folder too")->needs(job);
  show->add_option("-o,--output", options->output, "A file, a folder, or - for standard output (default: here)");
  show->footer(std::string(kStatus) +
               "Examples: darkroom view picture_00001_.png -o cat.png\n          darkroom view --job 2f0c… -o results");
  show->callback([show, options, &status] {
    if (options->names.empty() && options->job.empty()) throw CLI::RequiredError("a name, or --job");
    status = guarded("view", *options, view);
  });

  CLI::App* put = add(app, "upload", "Uploads pictures to a server, and says what they are called there", options, status, upload);
  put->add_option("file", options->names, "Pictures")->required()->check(CLI::ExistingFile);
  put->add_option("--type", options->upload.type, "input, temp or output  [input]")->check(CLI::IsMember({"input", "temp", "output"}));
  put->add_option("--subfolder", options->upload.subfolder, "Folder on the server");
  put->add_flag("--overwrite", options->upload.overwrite, "In place of one with this name; else it gets another name");
  put->footer(std::string(kStatus) +
              "Example: darkroom run img2img.json --server URL --set LoadImage.image=\"$(darkroom upload old.jpg --server URL)\"");

  CLI::App* stop = add(app, "interrupt", "Stops what a server runs; with ids, these jobs wherever they are", options, status, interrupt);
  stop->add_option("id", options->names, "Prompt ids");
  stop->footer(std::string(kStatus) + "Example: darkroom interrupt 2f0c…");

  CLI::App* listen = add(app, "events", "Shows the messages that a server sends to a client, as they come", options, status, events);
  listen->add_option("--client-id", options->client_id, "Whose messages: the client id that jobs are queued with")->required();
  listen->add_option("--job", options->job, "Prompt id: only of this job, until it is over");
  listen->footer(std::string(kStatus) +
                 "Example: darkroom run picture.json --server URL --client-id me --no-wait; darkroom events --client-id me --server URL");
}

}  // namespace darkroom
