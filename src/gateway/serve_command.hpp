#pragma once
// `darkroom serve`: its flags, --config FILE and DARKROOM_ variables, and the run of the gateway.

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "gateway/options.hpp"

namespace darkroom {

/// Adds `serve`. When it was given, `status` is the exit status of the program after parsing. `argv`: for /system_stats.
void add_serve_command(CLI::App& app, const std::vector<std::string>& argv, int& status);

/// What the flags of ComfyUI that mean nothing here have to say, one line each; filled while parsing.
struct ServeNotes {
  std::vector<std::string> lines;
};

/// Declares all flags of `serve`. `config_file` gets --config.
void declare_options(CLI::App& serve, Options& options, std::string& config_file, ServeNotes& notes);

/// Takes what is not set yet from a TOML or INI file: every flag is a key there, without its dashes.
/// Throws InvalidInput for a key that is no flag.
void apply_config_file(CLI::App& serve, const std::string& file);

/// ComfyUI lets `--listen`, `--verbose` and `--enable-cors-header` stand without a value: writes out what they mean then.
std::vector<std::string> fill_optional_values(std::vector<std::string> arguments);

}  // namespace darkroom
