// `darkroom completion SHELL` prints a script for the shell; it asks `darkroom complete-words` what may come next. `darkroom man` prints
// the manual.

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <iostream>
#include <memory>

#include "cli/command_tree.hpp"
#include "cli/commands.hpp"

namespace darkroom {
namespace {

constexpr const char* kBash = R"(# For bash: source <(darkroom completion bash)
_darkroom() {
  local word="${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
      :folders) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete-words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _darkroom darkroom
)";

constexpr const char* kZsh = R"(#compdef darkroom
# For zsh: darkroom completion zsh > "${fpath[1]}/_darkroom"
_darkroom() {
  local line word help
  local -a offered
  while IFS= read -r line; do
    case "$line" in
      :files) _files ;;
      :folders) _files -/ ;;
      *) word="${line%%$'\t'*}" help="${line#*$'\t'}"; offered+=("${word//:/\\:}:$help") ;;
    esac
  done < <("${words[1]}" complete-words "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#offered} )) && _describe darkroom offered
}
compdef _darkroom darkroom
)";

constexpr const char* kFish = R"(# For fish: darkroom completion fish > ~/.config/fish/completions/darkroom.fish
function __darkroom_words
  set -l tokens (commandline -opc) (commandline -ct)
  for line in ($tokens[1] complete-words $tokens[2..-1] 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path (commandline -ct)
      case :folders
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c darkroom -f -a '(__darkroom_words)'
)";

}  // namespace

void add_completion_command(CLI::App& app, int& status) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Prints what makes a shell complete commands and flags");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example: source <(darkroom completion bash)");
  command->callback([shell, &status] {
    std::cout << (*shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
    status = 0;
  });
}

bool answer_completion(const CLI::App& app, const std::vector<std::string>& given) {
  if (given.size() < 2 || given[1] != "complete-words") return false;
  for (const auto& line : completions(command_tree(app), {given.begin() + 2, given.end()})) std::cout << line << '\n';
  return true;
}

void add_man_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("man", "Prints the manual page: darkroom man | man -l -");
  command->footer("Example: darkroom man > /usr/local/share/man/man1/darkroom.1");
  command->callback([&app, &status] {
    std::cout << manual_page(command_tree(app), DARKROOM_VERSION);
    status = 0;
  });
}

}  // namespace darkroom
