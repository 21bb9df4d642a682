#include "gateway/serve_command.hpp"

#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.hpp"
#include "base/gpus.hpp"
#include "base/log.hpp"
#include "gateway/gateway.hpp"

namespace darkroom {
namespace {

/// The command line as pages may show it.
std::vector<std::string> without_secrets(std::vector<std::string> argv) {
  constexpr std::string_view kFlag = "--webhook-secret";
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i] == kFlag && i + 1 < argv.size()) argv[i + 1] = "***";
    else if (argv[i].starts_with(kFlag) && argv[i].size() > kFlag.size()) argv[i] = std::string(kFlag) + "=***";
  }
  return argv;
}

/// `options` are those that the flags are bound to: the file writes into them too.
int serve(CLI::App& command, Options& options, const std::string& config_file, const ServeNotes& notes) {
  try {
    if (!config_file.empty()) apply_config_file(command, config_file);
    if (command.get_option("--workers")->count() == 0 && !options.cpu) options.workers = std::max(1, static_cast<int>(nvidia_gpus().size()));
    complete(options);
    log::setup("darkroom", options.verbose);
    for (const auto& line : notes.lines) log::info("{}", line);
    Gateway gateway(options);
    return gateway.run();
  } catch (const Error& error) {
    std::fprintf(stderr, "darkroom serve: %s\n", error.what());
  } catch (const CLI::Error& error) {
    std::fprintf(stderr, "darkroom serve: %s\n", error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "darkroom serve: it could not start: %s\n", error.what());
  }
  return 1;
}

}  // namespace

void add_serve_command(CLI::App& app, const std::vector<std::string>& argv, int& status) {
  CLI::App* command = app.add_subcommand("serve", "Serves the API, the editor and its workers");
  command->footer(
      "Every flag is also a key of --config FILE and an environment variable: --max-queue is max-queue and DARKROOM_MAX_QUEUE.\n"
      "The command line goes first, then the environment, then the file.\n"
      "Example: darkroom serve --listen --port 8188 --base-directory /srv/darkroom --ram 16G");
  struct Given {
    Options options;
    std::string config_file;
    ServeNotes notes;
  };
  const auto given = std::make_shared<Given>();
  given->options.argv = without_secrets(argv);
  declare_options(*command, given->options, given->config_file, given->notes);
  command->callback([command, given, &status] { status = serve(*command, given->options, given->config_file, given->notes); });
}

}  // namespace darkroom
