#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/error.hpp"
#include "base/gpus.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/hardware.hpp"
#include "cli/report.hpp"
#include "cli/worker_probe.hpp"
#include "gateway/editor_package.hpp"
#include "gateway/machine.hpp"
#include "gateway/packs.hpp"
#include "workflow/limits.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr auto kProbeTime = std::chrono::seconds(60);
constexpr std::size_t kNamesShown = 6;
constexpr const char* kBuild = "Build the programs: cmake --build --preset release";
constexpr const char* kBootstrap = "Run script/bootstrap: it makes the Python environment and fetches the editor and the upscaler weights";

struct DoctorOptions {
  Options serve;
  bool no_worker = false;
};

std::string joined(const std::vector<std::string>& names, std::size_t shown = kNamesShown) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) text += (i ? ", " : "") + names[i];
  return names.size() > shown ? text + fmt::format(" and {} more", names.size() - shown) : text;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

void report_programs(Report& report, const Options& options) {
  report.section("Programs");
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  report.fact("darkroom", self.string());
  for (const auto& [name, path] : {std::pair<std::string, fs::path>{"darkroom-worker", options.worker_program}, {"darkroom-picture", self.parent_path() / "darkroom-picture"}}) {
    if (::access(path.c_str(), X_OK) == 0) report.good(name, path.string());
    else report.missing(name, "not at " + path.string(), kBuild);
  }
}

void report_machine(Report& report) {
  report.section("Machine");
  const Processor processor = parse_cpuinfo(text_of("/proc/cpuinfo"));
  const bool bf16 = processor.has("amx_bf16") || processor.has("avx512_bf16");
  report.fact("processor", fmt::format("{} ({} threads)", processor.model.empty() ? "unknown" : processor.model, processor.threads));
  report.fact("features", processor.features.empty() ? "none that matter here" : joined(processor.features, processor.features.size()));
  report.fact("--precision auto", processor.has("amx_bf16") ? "bf16 (AMX)" : bf16 ? "bf16 (AVX-512), fp32 for autoencoders and upscalers" : "fp32: bf16 is not in hardware");
  const Memory memory = machine_memory();
  report.fact("memory", fmt::format("{}, {} free", size_text(memory.total), size_text(memory.available)));
  const auto gpus = nvidia_gpus();
  if (gpus.empty()) report.absent("GPU", "none; everything is computed on the processor");
  for (const auto& gpu : gpus) report.good("GPU", gpu);
}

void report_worker(Report& report, const Options& options, const Folders& folders) {
  report.section("Worker");
  if (::access(options.worker_program.c_str(), X_OK) != 0) {
    report.missing("start", "there is no program to start", kBuild);
    return;
  }
  const WorkerProbe probe = probe_worker(options, folders, kProbeTime);
  if (!probe.started) {
    report.missing("start", "it did not start", "See what the worker says: darkroom serve --verbose DEBUG");
    return;
  }
  const auto* device = find_object(probe.hello, "device");
  report.good("start", fmt::format("in {:.1f} s", static_cast<double>(probe.start_ms) / 1000));
  report.fact("device", device ? string_or(*device, "name", "cpu") : "cpu");
  report.fact("torch", string_or(probe.hello, "pytorch_version", "unknown"));
  report.fact("node classes", std::to_string(probe.schemas->all().size()));
}

void report_environment(Report& report, const Options& options) {
  report.section("Environment");
  std::error_code ignored;
  const fs::path environment = python_environment();
  if (fs::exists(environment, ignored)) report.good("Python environment", environment.string());
  else report.missing("Python environment", "not at " + environment.string(), kBootstrap);
  const auto editor = editor_folder(options.front_end_root);
  if (editor) report.good("editor", editor->string());
  else report.missing("editor", "its package is not installed; the page at / says so", kBootstrap);
}

void report_folders(Report& report, const Folders& folders) {
  report.section("Folders");
  for (const auto& [name, path] : {std::pair<const char*, fs::path>{"base", folders.base}, {"input", folders.input}, {"output", folders.output}, {"temp", folders.temp}, {"user", folders.user}}) {
    std::error_code fault;
    if (!fs::exists(path, fault)) {
      report.absent(name, path.string() + " (is made at the first start)");
    } else if (::access(path.c_str(), W_OK | X_OK) != 0) {
      report.missing(name, path.string() + " can't be written", fmt::format("Make {} writable, or name another folder (--base-directory)", path.string()));
    } else {
      const auto space = fs::space(path, fault);
      report.good(name, fmt::format("{} ({} free)", path.string(), fault ? "?" : size_text(space.available)));
    }
  }
}

void report_models(Report& report, const Folders& folders) {
  report.section("Models");
  std::vector<std::string> empty;
  bool upscaler = false;
  for (const auto& folder : folders.models) {
    if (folder.key == "custom_nodes" || folder.key == "configs") continue;
    const auto names = folders.list_models(folder.key);
    if (names.empty()) empty.push_back(folder.key);
    else report.fact(folder.key, fmt::format("{}: {}", names.size(), joined(names)));
    upscaler = upscaler || (folder.key == "upscale_models" && !names.empty());
  }
  if (!empty.empty()) report.absent("empty", joined(empty));
  if (!upscaler) report.missing("upscale_models", "no upscaler: photographs can't be enlarged by a network", kBootstrap);
}

void report_packs(Report& report, const Folders& folders) {
  report.section("Packs of nodes");
  const auto packs = pack_folders(folders);
  if (packs.empty()) report.absent("packs", "none in " + folders.custom_nodes.string());
  for (const auto& pack : packs) report.fact(pack.filename().string(), pack.string());
}

void report_limits(Report& report, const Options& options) {
  report.section("Limits");
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) report.fact("open files", fmt::format("{} (a client needs one)", files.rlim_max));
  report.fact("memory of a worker", options.ram_bytes ? size_text(options.ram_bytes) : "85 % of the machine's (--ram)");
  report.fact("waiting jobs", std::to_string(options.max_queue));
  report.fact("request body", size_text(options.max_body_bytes()));
  report.fact("nodes of a workflow", std::to_string(limits::kMaxNodes));
  report.fact("inputs of a node", std::to_string(limits::kMaxInputsPerNode));
  report.fact("nesting of JSON", std::to_string(limits::kMaxWorkflowDepth));
}

int doctor(DoctorOptions options) {
  try {
    log::setup("darkroom", "ERROR");
    options.serve.verbose = "ERROR";
    complete(options.serve);
    Folders folders = Folders::below(options.serve.base_directory, shipped_model_folders());
    for (const auto& file : options.serve.extra_model_paths) folders.add_extra_paths(file);
    Report report;
    report_programs(report, options.serve);
    report_machine(report);
    if (!options.no_worker) report_worker(report, options.serve, folders);
    report_environment(report, options.serve);
    report_folders(report, folders);
    report_models(report, folders);
    report_packs(report, folders);
    report_limits(report, options.serve);
    report.print(std::cout, ::isatty(STDOUT_FILENO) != 0);
    return report.complete() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "darkroom doctor: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace

void add_doctor_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("doctor", "Says what is there and what is missing");
  command->footer("Exit status: 0 when nothing is missing, 1 otherwise.\nExample: darkroom doctor --base-directory /srv/darkroom");
  const auto options = std::make_shared<DoctorOptions>();
  command->add_option("--base-directory", options->serve.base_directory, "Folder with input, models and so on, as of serve")->type_name("DIR");
  command->add_option("--extra-model-paths-config", options->serve.extra_model_paths, "YAML file with further model folders")->expected(1)->take_all()->check(CLI::ExistingFile);
  command->add_option("--front-end-root", options->serve.front_end_root, "Folder of the editor")->type_name("DIR");
  command->add_option("--worker-program", options->serve.worker_program, "The worker to look at (default: beside this program)");
  command->add_flag("--no-worker", options->no_worker, "Starts no worker: quicker, says less");
  command->callback([options, &status] { status = doctor(*options); });
}

}  // namespace darkroom
