#pragma once
// The commands that main() adds to its dispatcher. When one was given, `status` is the program's exit status after parsing.

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace darkroom {

void add_run_command(CLI::App& app, int& status);
void add_picture_commands(CLI::App& app, int& status);  ///< txt2img, img2img
void add_restore_command(CLI::App& app, int& status);
void add_server_commands(CLI::App& app, int& status);  ///< queue, history, view, upload, interrupt, events
void add_completion_command(CLI::App& app, int& status);
/// What the scripts of `completion` ask, `darkroom complete-words WORD…`: prints what may come. False: something else was given.
bool answer_completion(const CLI::App& app, const std::vector<std::string>& given);
void add_man_command(CLI::App& app, int& status);
void add_doctor_command(CLI::App& app, int& status);
void add_nodes_command(CLI::App& app, int& status);    ///< nodes list, nodes check
void add_token_command(CLI::App& app, int& status);    ///< token, token create, list, revoke
void add_models_command(CLI::App& app, int& status);   ///< models list, models pull

}  // namespace darkroom
