// `darkroom models list` and `darkroom models pull`.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/known_models.hpp"
#include "cli/model_download.hpp"
#include "cli/model_target.hpp"
#include "cli/report.hpp"
#include "gateway/options.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShippedList = "known_models.yaml";  ///< in the project's models folder
constexpr const char* kOwnList = "models.yaml";            ///< in the user folder: adds to it, and overrides

struct ModelsOptions {
  Options serve;
  std::string what, sha256, folder, file;
  /// Limit: a model that `darkroom models pull` fetches, bytes. Beyond: exit status 1. Set by: --max-size. Edge:
  /// test_models_pull.py::test_a_file_over_the_limit_is_not_fetched.
  std::uint64_t max_bytes = 100ull << 30;
  std::string max_size;
  fs::path tls_ca;
  bool yes = false, force = false, quiet = false;
};

Folders folders_of(ModelsOptions& options) {
  complete(options.serve);
  Folders folders = Folders::below(options.serve.base_directory, shipped_model_folders());
  if (!options.serve.user_directory.empty()) folders.user = options.serve.user_directory;
  for (const auto& file : options.serve.extra_model_paths) folders.add_extra_paths(file);
  return folders;
}

KnownModels known_models(const Folders& folders) {
  KnownModels known;
  std::error_code ignored;
  for (const auto& folder : shipped_model_folders())
    if (fs::is_regular_file(folder / kShippedList, ignored)) known.add_file(folder / kShippedList);
  if (const fs::path own = folders.user / kOwnList; fs::exists(own, ignored)) known.add_file(own);
  return known;
}

std::string size_or_unknown(const std::optional<std::uint64_t>& size) { return size ? size_text(*size) : "size not known"; }

int list_models(ModelsOptions options) {
  const Folders folders = folders_of(options);
  const KnownModels known = known_models(folders);
  for (const auto& model : known.all()) {
    std::optional<fs::path> there;
    try {
      there = folders.find_model(model.folder, model.file);
    } catch (const Error&) {
      // an entry of the user's with a name that no folder can hold
    }
    std::cout << fmt::format("{} {:<16} {}\n", there ? "*" : " ", model.name, model.description);
    std::cout << fmt::format("  {:<16} {}/{}, {}, {}{}\n", "", model.folder, model.file, size_or_unknown(model.size), model.licence, model.sha256.empty() ? ", unverified" : "");
  }
  std::cout << fmt::format("* is there. darkroom models pull NAME fetches one; {} adds to this list.\n", (folders.user / kOwnList).string());
  return 0;
}

/// What is to be fetched: an entry of the lists, or made up of an address and flags.
KnownModel wanted_model(const ModelsOptions& options, const Folders& folders) {
  KnownModel model;
  if (is_web_address(options.what)) {
    model.url = options.what;
    model.folder = options.folder.empty() ? "checkpoints" : options.folder;
    model.file = options.file.empty() ? WebAddress::parse(options.what).file_name() : options.file;
  } else {
    const KnownModels known = known_models(folders);
    const KnownModel* entry = known.find(options.what);
    if (!entry) throw InvalidInput(fmt::format("no model is known as \"{}\"; darkroom models list shows the names, and an address (https://...) is taken as well", options.what));
    model = *entry;
    if (!options.folder.empty()) model.folder = options.folder;
    if (!options.file.empty()) model.file = options.file;
  }
  if (!options.sha256.empty()) {
    model.sha256 = lower(options.sha256);
    model.source = "--sha256";
  }
  return model;
}

/// Shows what will be fetched under which licence, and asks where the licence binds.
void show_and_ask(const KnownModel& model, const fs::path& target, const ModelsOptions& options) {
  std::cerr << fmt::format("{}{}\n  from     {}\n  to       {}\n  size     {}\n", model.name.empty() ? model.file : model.name,
                           model.description.empty() ? "" : ": " + model.description, model.url, target.string(), size_or_unknown(model.size));
  if (model.licence.empty()) std::cerr << "  licence  not known; see the page of its publisher\n";
  else std::cerr << fmt::format("  licence  {}{}\n", model.licence, model.licence_url.empty() ? "" : ", " + model.licence_url);
  if (model.sha256.empty()) std::cerr << "  sha256   not known: what comes is unverified\n";
  else std::cerr << fmt::format("  sha256   {} ({})\n", model.sha256, model.source);
  if (!model.must_accept || options.yes) return;
  if (::isatty(STDIN_FILENO) == 0) throw RunFailure(RunStatus::kUsage, "this licence has terms for its users; --yes accepts it");
  std::cerr << "This licence has terms for its users. Accept it and download? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (const std::string word = lower(trim(answer)); word != "y" && word != "yes") throw RunFailure(RunStatus::kInterrupted, "not downloaded");
}

/// A file of that name is there: nothing to do if it is the right one, as far as that can be told.
void report_present(const KnownModel& model, const fs::path& target) {
  const std::string sum = sha256_hex_of_file(target.string());
  if (!model.sha256.empty() && sum != model.sha256)
    throw Conflict(fmt::format("{} is there, but its sha256 is {}; --force replaces it", target.string(), sum));
  std::cerr << fmt::format("is there already, sha256 {}{}; --force fetches it anew\n", sum, model.sha256.empty() ? " (unverified)" : ", as it should be");
  std::cout << target.string() << '\n';
}

/// Everything that can be wrong with the flags and the lists is found here, before anything is asked or fetched.
std::pair<KnownModel, DownloadRequest> understand(ModelsOptions& options) {
  if (!options.max_size.empty()) options.max_bytes = parse_size(options.max_size);
  const Folders folders = folders_of(options);
  KnownModel model = wanted_model(options, folders);
  DownloadRequest request;
  request.from = WebAddress::parse(model.url);
  request.target = model_target(folders, model.folder, model.file);
  request.sha256 = model.sha256;
  request.size = model.size;
  request.max_bytes = options.max_bytes;
  request.tls_ca = options.tls_ca;
  request.replace = options.force;
  return {std::move(model), std::move(request)};
}

int pull_model(ModelsOptions options) {
  const auto [model, request] = [&] {
    try {
      return understand(options);
    } catch (const Error& error) {
      throw RunFailure(RunStatus::kUsage, error.what());
    }
  }();
  if (!options.force && fs::exists(request.target)) {
    report_present(model, request.target);
    return 0;
  }
  show_and_ask(model, request.target, options);
  TransferView view(std::cerr, terminal_of_stderr(), options.quiet);
  const Downloaded result = download_model(request, view);
  std::cerr << fmt::format("{}, sha256 {}{}\n", size_text(result.bytes), result.sha256, model.sha256.empty() ? " (unverified)" : ", as it should be");
  std::cout << request.target.string() << '\n';
  return 0;
}

/// Runs `command`, with its errors on standard error.
int reported(int (*command)(ModelsOptions), const ModelsOptions& options) {
  RunStatus status = RunStatus::kInternal;
  std::string text;
  try {
    return command(options);
  } catch (const RunFailure& failure) {
    status = failure.status;
    text = failure.what();
  } catch (const Unavailable& lost) {
    status = RunStatus::kUnreachable;
    text = lost.what();
  } catch (const std::exception& error) {
    text = error.what();
  }
  std::cerr << "darkroom models: " << printable(text) << '\n';
  return static_cast<int>(status);
}

void add_folder_flags(CLI::App& command, ModelsOptions& options) {
  command.add_option("--base-directory", options.serve.base_directory, "Folder with models and so on, as of serve")->type_name("DIR");
  command.add_option("--user-directory", options.serve.user_directory, "Folder whose models.yaml adds to the list")->type_name("DIR");
  command.add_option("--extra-model-paths-config", options.serve.extra_model_paths, "YAML file with further model folders")->expected(1)->take_all()->check(CLI::ExistingFile);
}

}  // namespace

void add_models_command(CLI::App& app, int& status) {
  CLI::App* models = app.add_subcommand("models", "Lists well-known models and fetches them into the models folders");
  models->require_subcommand(1);
  const auto options = std::make_shared<ModelsOptions>();

  models->footer("Example: darkroom models pull sd15");
  CLI::App* list = models->add_subcommand("list", "Shows the names that pull knows, and what is there");
  list->footer("Example: darkroom models list");
  add_folder_flags(*list, *options);
  list->callback([options, &status] { status = reported(list_models, *options); });

  CLI::App* pull = models->add_subcommand("pull", "Fetches a model; goes on where an earlier call stopped");
  pull->footer("Exit status: 0 done · 1 what came is not what was wanted, or can't be kept · 2 wrong flags · 5 stopped · 6 no server\n"
               "The path of the file goes to standard output.\n\n"
               "Examples:\n  darkroom models pull sd15 --yes\n"
               "  darkroom models pull https://example.org/style.safetensors --folder loras --sha256 0123...");
  pull->add_option("what", options->what, "A name of the list, or the address of a file")->required()->type_name("NAME|URL");
  pull->add_option("--sha256", options->sha256, "What the file's SHA-256 must be")->check([](const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos ? std::string() : std::string("64 hexadecimal digits are expected");
  });
  pull->add_option("--folder", options->folder, "Models folder (default: the list's, checkpoints for an address)")->type_name("KEY");
  pull->add_option("--name", options->file, "Name of the file there (default: the list's, the last part of an address)")->type_name("FILE");
  pull->add_option("--max-size", options->max_size, "Refuses larger files: 8G, 900M (default: 100G)")->type_name("SIZE");
  pull->add_option("--tls-ca", options->tls_ca, "PEM file of the authorities to trust (default: the system's)")->type_name("FILE")->check(CLI::ExistingFile);
  pull->add_flag("-y,--yes", options->yes, "Accepts the licence");
  pull->add_flag("--force", options->force, "Fetches it although a file of that name is there, and replaces it");
  pull->add_flag("-q,--quiet", options->quiet, "Shows no progress");
  add_folder_flags(*pull, *options);
  pull->callback([options, &status] { status = reported(pull_model, *options); });
}

}  // namespace darkroom
