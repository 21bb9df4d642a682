#include <fmt/format.h>

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/local_run.hpp"
#include "cli/run_flags.hpp"
#include "cli/server_run.hpp"
#include "cli/terminal.hpp"
#include "client/proxy.hpp"

namespace darkroom {
namespace {

constexpr const char* kFooter =
    "The file may be in API form, the editor's own form, or have words for ids and texts for links; - is standard input.\n"
    "The paths of the results go to standard output, one a line; progress goes to standard error.\n\n"
    "Exit status: 0 done · 1 a fault of this program · 2 wrong flags · 3 the workflow is not valid · 4 a node failed ·\n"
    "             5 interrupted · 6 no server or no worker, or it was lost\n\n"
    "Examples:\n"
    "  darkroom run upscale.json --input old.jpg --set LoadImage.image=old.jpg -o results\n"
    "  darkroom run txt2img.json --set 6.text=\"a cat\" --seed 7 --server http://127.0.0.1:8188";

constexpr const char* kHere = "Runs here";  ///< group of flags

ProgressView make_view(bool quiet, const Terminal& terminal) {
  const auto style = quiet ? ProgressView::Style::kSilent : terminal.interactive ? ProgressView::Style::kBar : ProgressView::Style::kLines;
  return {std::cerr, style, terminal.columns};
}

void print_as_json(const std::string& prompt_id, const std::vector<std::filesystem::path>& paths) {
  json::object said;
  if (!prompt_id.empty()) said["prompt_id"] = prompt_id;
  json::array files;
  for (const auto& path : paths) files.push_back(json::value(path.string()));
  said["files"] = std::move(files);
  std::cout << dump(said) << '\n';
}

/// Who asks, and whom to believe.
void add_identity_flags(CLI::App& command, RunOptions& options) {
  // Read by hand: CLI11 writes the environment's value for every command that has the flag, over what was given to the one that runs.
  if (options.token.empty()) options.token = process_environment("DARKROOM_TOKEN");
  command
      .add_option("--token", options.token,
                  "Who you are to that server; better in the environment (DARKROOM_TOKEN), where no list of processes shows it")
      ->type_name("TOKEN");
  command.add_option("--tls-ca", options.tls_ca, "PEM file of the authorities to trust for an https server (default: the system's)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
}

}  // namespace

RunStatus run_workflow(const RunOptions& given) {
  RunOptions options = given;
  const Terminal terminal = terminal_of_stderr();
  options.previews = options.previews && terminal.interactive && !options.quiet;
  std::string text;
  RunStatus status = RunStatus::kInternal;
  ProgressView view = make_view(options.quiet, terminal);
  try {
    std::string prompt_id;
    const auto paths = options.server.empty() ? run_here(options, view) : run_on_server(options, view, prompt_id);
    view.clear();
    if (options.json) print_as_json(prompt_id, paths);
    else if (options.no_wait) std::cout << prompt_id << '\n';
    else
      for (const auto& path : paths) std::cout << path.string() << '\n';
    std::cout.flush();
    return RunStatus::kDone;
  } catch (const RunFailure& failure) {
    status = failure.status;
    text = failure.what();
  } catch (const std::exception& error) {
    text = error.what();
  }
  view.clear();
  std::fprintf(stderr, "darkroom: %s\n", text.c_str());
  return status;
}

void add_server_flags(CLI::App& command, RunOptions& options) {
  if (options.server.empty()) options.server = process_environment("DARKROOM_SERVER");
  if (options.server.empty()) options.server = "http://127.0.0.1:8188";
  command.add_option("--server", options.server, "The server  [DARKROOM_SERVER, else http://127.0.0.1:8188]")->type_name("URL");
  add_identity_flags(command, options);
}

void add_place_flags(CLI::App& command, RunOptions& options) {
  command.add_option("--server", options.server, "Works on this server instead of here")->type_name("URL");
  add_identity_flags(command, options);
  command.add_flag("-q,--quiet", options.quiet, "Shows no progress");

  command.add_option("--base-directory", options.base_directory, "Folder with input, models and so on, as of serve")
      ->type_name("DIR")
      ->group(kHere);
  command.add_option("--extra-model-paths-config", options.extra_model_paths, "YAML file with further model folders")
      ->expected(1)
      ->take_all()
      ->check(CLI::ExistingFile)
      ->group(kHere);
  command.add_option("--precision", options.precision, "auto, fp32, bf16 or fp16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}))
      ->group(kHere);
  command.add_option("--ram", options.ram, "Memory that the worker may use: 8G, 900M")->type_name("SIZE")->group(kHere);
  command.add_flag("--cpu", options.cpu, "Uses no GPU")->group(kHere);
  command.add_option("--verbose", options.verbose, "DEBUG (with tracebacks), INFO, WARNING or ERROR")
      ->check(CLI::IsMember({"DEBUG", "INFO", "WARNING", "ERROR"}))
      ->group(kHere);
  command.add_option("--worker-program", options.worker_program, "The worker to start (default: beside this program)")->group(kHere);
}

void add_run_flags(CLI::App& command, RunOptions& options) {
  command.add_option("-o,--output", options.output, "Folder of the results (default: here)")->type_name("DIR");
  command.add_option("--input", options.inputs, "A picture to put into the input folder first; may be given several times")->expected(1)->take_all()->check(CLI::ExistingFile);
  add_place_flags(command, options);
  command.add_flag("!--no-preview", options.previews, "Shows no pictures of a running sampler, even where the terminal can")->default_str("");
  command.add_option("--input-directory", options.input_directory, "Folder of the input pictures")->type_name("DIR")->group(kHere);
  command.add_flag("--disable-metadata", options.disable_metadata, "Saves no workflow in the pictures")->group(kHere);
}

void add_run_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("run", "Runs a workflow file, here or on a server");
  command->footer(kFooter);
  const auto options = std::make_shared<RunOptions>();
  command->add_option("workflow", options->file, "The workflow's file")->required();
  command->add_option("--set", options->edits, "NODE.INPUT=VALUE, by id, title or class; may be given several times")->expected(1)->take_all()->type_name("EDIT");
  auto* seed = command->add_option("--seed", options->seed, "Sets every seed and noise_seed");
  command->add_flag("--random-seed", options->random_seeds, "Draws a new number for every seed and noise_seed, and says which")->excludes(seed);
  add_run_flags(*command, *options);
  command->add_flag("--json", options->json, "Says the results as one JSON object");
  auto* client_id =
      command->add_option("--client-id", options->client_id, "Queues it on the server under this client id, which `events` hears of");
  auto* no_wait =
      command->add_flag("--no-wait", options->no_wait, "Queues it on the server and prints its prompt id, instead of waiting for it");
  for (auto* option : {client_id, no_wait}) option->needs(command->get_option("--server"));
  command->callback([options, &status] { status = static_cast<int>(run_workflow(*options)); });
}

}  // namespace darkroom
