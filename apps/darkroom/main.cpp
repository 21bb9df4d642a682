// `darkroom`: the gateway and the command line. One subcommand each; all they share is this dispatcher.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "gateway/serve_command.hpp"

/// How often a worker's thread looks for work before it sleeps, if the user has not said so. OpenMP's own 300,000 turns are milliseconds in
/// which a thread that waits keeps its processor from whoever it waits for, as soon as anything else runs on the machine.
constexpr const char* kSpinCount = "5000";

int main(int argc, char** argv) {
  ::setenv("GOMP_SPINCOUNT", kSpinCount, /*overwrite=*/0);  // workers inherit it
  const std::vector<std::string> given(argv, argv + argc);
  int status = 0;
  CLI::App app("Darkroom runs image workflows and lets people watch them happen.", "darkroom");
  app.require_subcommand(1);
  app.footer("Example: darkroom serve --port 8188");
  darkroom::add_serve_command(app, given, status);
  darkroom::add_run_command(app, status);
  darkroom::add_picture_commands(app, status);
  darkroom::add_restore_command(app, status);
  darkroom::add_models_command(app, status);
  darkroom::add_nodes_command(app, status);
  darkroom::add_token_command(app, status);
  darkroom::add_server_commands(app, status);
  darkroom::add_doctor_command(app, status);
  darkroom::add_completion_command(app, status);
  darkroom::add_man_command(app, status);

  if (darkroom::answer_completion(app, given)) return 0;
  std::vector<std::string> arguments(given.begin() + (given.empty() ? 0 : 1), given.end());
  if (!arguments.empty() && arguments.front() == "serve") arguments = darkroom::fill_optional_values(std::move(arguments));
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // whatever is wrong with the flags: one number
  }
  return status;
}
