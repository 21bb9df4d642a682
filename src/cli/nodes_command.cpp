// `darkroom nodes list` and `darkroom nodes check`: what packs of nodes bring, and why one brings nothing.

#include <fmt/format.h>

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/worker_probe.hpp"
#include "gateway/options.hpp"
#include "workflow/schema.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// What a worker has to load its libraries and all packs (WorkerTimes::start).
constexpr auto kProbeTime = std::chrono::seconds(120);

struct NodesOptions {
  Options serve;
  fs::path path;
  bool as_json = false;
};

/// A pack as the worker told of it, and its classes.
struct Pack {
  std::string name;
  json::object told;
  std::vector<const NodeSchema*> classes;
  bool failed() const { return string_or(told, "state", "") != "ok"; }
};

std::vector<Pack> packs_of(const WorkerProbe& probe) {
  std::vector<Pack> packs;
  const auto* list = find_array(probe.hello, "packs");
  for (const auto& told : list ? *list : json::array()) {
    Pack pack{string_or(told.as_object(), "name", ""), told.as_object(), {}};
    const std::string module = "custom_nodes." + (pack.name.ends_with(".py") ? pack.name.substr(0, pack.name.size() - 3) : pack.name);
    for (const auto& schema : probe.schemas->all())
      if (schema.python_module() == module) pack.classes.push_back(&schema);
    packs.push_back(std::move(pack));
  }
  return packs;
}

std::string types_of(const NodeSchema& schema) {
  std::string in, out;
  for (const auto& input : schema.inputs())
    if (input.section != Section::kHidden) in += (in.empty() ? "" : ", ") + input.name + (input.section == Section::kOptional ? "?" : "") + " " + input.type;
  for (const auto& output : schema.outputs()) out += (out.empty() ? "" : ", ") + output.type;
  return "(" + in + ") -> " + (out.empty() ? "nothing" : out);
}

std::vector<std::string> texts(const json::object& told, const char* key) {
  std::vector<std::string> list;
  const auto* items = find_array(told, key);
  for (const auto& item : items ? *items : json::array())
    if (item.is_string()) list.emplace_back(item.get_string());
  return list;
}

double seconds_of(const json::object& told) {
  const auto* seconds = find(told, "seconds");
  return seconds && seconds->is_number() ? seconds->to_number<double>() : 0;
}

json::object as_json(const Pack& pack) {
  json::object out = pack.told;
  json::array names;
  for (const auto* schema : pack.classes) names.emplace_back(schema->node_class());
  out["node_classes"] = std::move(names);
  return out;
}

void print_summary(const Pack& pack) {
  if (pack.failed()) std::cout << fmt::format("{}: can't be imported: {}\n", pack.name, string_or(pack.told, "reason", "no reason given"));
  else std::cout << fmt::format("{}: {} node classes, imported in {:.2f} s\n", pack.name, pack.classes.size(), seconds_of(pack.told));
}

void print_lines(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::cout << title << '\n';
  for (const auto& line : lines) std::cout << "  " << line << '\n';
}

WorkerProbe probe(const Options& options, const Folders& folders) {
  WorkerProbe probe = probe_worker(options, folders, kProbeTime);
  if (!probe.started) throw RunFailure(RunStatus::kUnreachable, "the worker did not start; `darkroom doctor` says what is missing");
  return probe;
}

int list_nodes(NodesOptions options) {
  complete(options.serve);
  Folders folders = Folders::below(options.serve.base_directory, shipped_model_folders());
  for (const auto& file : options.serve.extra_model_paths) folders.add_extra_paths(file);
  const WorkerProbe found = probe(options.serve, folders);
  const auto packs = packs_of(found);
  if (options.as_json) {
    json::array all;
    for (const auto& pack : packs) all.push_back(as_json(pack));
    std::cout << dump(json::value(std::move(all))) << '\n';
    return 0;
  }
  if (packs.empty()) std::cout << "There are no packs in " << folders.custom_nodes.string() << '\n';
  for (const auto& pack : packs) {
    print_summary(pack);
    for (const auto* schema : pack.classes) std::cout << "  " << schema->node_class() << '\n';
  }
  return 0;
}

int check_pack(NodesOptions options) {
  complete(options.serve);
  const fs::path path = fs::canonical(options.path);
  Folders folders = Folders::below(options.serve.base_directory, shipped_model_folders());
  for (const auto& file : options.serve.extra_model_paths) folders.add_extra_paths(file);
  // The pack where it lies, and no other.
  for (auto& folder : folders.models)
    if (folder.key == "custom_nodes") folder.paths = {path.parent_path()};
  folders.allowed_packs = {path.filename().string()};
  const WorkerProbe found = probe(options.serve, folders);
  const auto packs = packs_of(found);
  if (packs.empty()) throw RunFailure(RunStatus::kUsage, path.string() + " is no pack of nodes: a folder with an __init__.py, or a .py file");
  const Pack& pack = packs.front();
  if (options.as_json) {
    std::cout << dump(json::value(as_json(pack))) << '\n';
  } else {
    print_summary(pack);
    if (pack.failed()) std::cout << string_or(pack.told, "traceback", "");
    for (const auto* schema : pack.classes) std::cout << "  " << schema->node_class() << " " << types_of(*schema) << '\n';
    print_lines("Left out:", texts(pack.told, "left_out"));
    print_lines("Uses what Darkroom does not have (an error where it is called):", texts(pack.told, "absent"));
    print_lines("Routes:", texts(pack.told, "routes"));
  }
  return pack.failed() ? static_cast<int>(RunStatus::kInternal) : 0;
}

int reported(int (*command)(NodesOptions), NodesOptions options) {
  options.serve.verbose = "CRITICAL";
  log::setup("darkroom", "CRITICAL");  // what is wrong is told here, once
  try {
    return command(options);
  } catch (const RunFailure& failure) {
    std::cerr << "darkroom nodes: " << failure.what() << '\n';
    return static_cast<int>(failure.status);
  } catch (const std::exception& error) {
    std::cerr << "darkroom nodes: " << error.what() << '\n';
    return static_cast<int>(RunStatus::kInternal);
  }
}

void add_flags(CLI::App& command, NodesOptions& options) {
  command.add_option("--base-directory", options.serve.base_directory, "Folder with input, models and so on, as of serve")->type_name("DIR");
  command.add_option("--extra-model-paths-config", options.serve.extra_model_paths, "YAML file with further folders")->expected(1)->take_all()->check(CLI::ExistingFile);
  command.add_option("--worker-program", options.serve.worker_program, "The worker that imports them (default: beside this program)");
  command.add_flag("--json", options.as_json, "For programs");
}

}  // namespace

void add_nodes_command(CLI::App& app, int& status) {
  CLI::App* nodes = app.add_subcommand("nodes", "Says what packs of nodes bring, and why one brings nothing");
  nodes->require_subcommand(1);
  const auto options = std::make_shared<NodesOptions>();
  nodes->footer("Example: darkroom nodes check ~/my-pack");

  CLI::App* list = nodes->add_subcommand("list", "Imports the packs in custom_nodes and shows their node classes");
  list->footer("Example: darkroom nodes list");
  add_flags(*list, *options);
  list->callback([options, &status] { status = reported(list_nodes, *options); });

  CLI::App* check = nodes->add_subcommand("check", "Imports one pack, wherever it lies, shows its node classes and warns of what is missing");
  check->footer("Exit status: 0 when the pack can be imported · 1 when not · 2 when there is no pack · 6 when no worker starts\nExample: darkroom nodes check ~/my-pack");
  check->add_option("path", options->path, "A folder with an __init__.py, or a .py file")->required()->type_name("PATH")->check(CLI::ExistingPath);
  add_flags(*check, *options);
  check->callback([options, &status] { status = reported(check_pack, *options); });
}

}  // namespace darkroom
