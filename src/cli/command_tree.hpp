#pragma once
// The commands and flags of the program as data: what its completion offers and its manual says.

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace darkroom {

struct Flag {
  std::vector<std::string> names;  ///< "--seed", "-q"; empty for an argument without a name
  std::string label;               ///< of an argument: "workflow"; of a flag's value: "URL"; empty: takes none
  std::string help;
  std::vector<std::string> choices;  ///< that a value may be
  bool takes_file = false, takes_folder = false;
  bool repeats = false;
};

struct Command {
  std::string name, help, footer;
  std::vector<Flag> flags;      ///< those with a name
  std::vector<Flag> arguments;  ///< those without, in order
  std::vector<Command> commands;

  const Command* find(const std::string& name) const;
};

/// Whatever `app` offers; hidden things left out.
Command command_tree(const CLI::App& app);

/// What may stand in the place of the last of `words` (what is written of it so far, perhaps ""), after the program's name: "word\thelp"
/// each.
/// ":files" or ":folders" where the shell knows better.
std::vector<std::string> completions(const Command& root, const std::vector<std::string>& words);

/// The manual page of section 1, in roff (man(7)).
std::string manual_page(const Command& root, const std::string& version);

}  // namespace darkroom
