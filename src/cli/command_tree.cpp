#include "cli/command_tree.hpp"

#include <CLI/Formatter.hpp>
#include <algorithm>

#include "base/text.hpp"

namespace darkroom {
namespace {

/// "TEXT:{auto,fp32}" → auto, fp32.
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{'), close = type.rfind('}');
  return open == type.npos || close == type.npos || close < open ? std::vector<std::string>{}
                                                                 : split(type.substr(open + 1, close - open - 1), ',');
}

/// The value's name as help shows it: "URL", "FILE", "NUMBER".
std::string label_of(const CLI::Option& option) {
  std::string type = option.get_type_name();
  if (const auto colon = type.find(':'); colon != type.npos) type.resize(colon);
  return type.empty() || type == "TEXT" ? "VALUE" : type == "UINT" || type == "INT" || type == "FLOAT" ? "NUMBER" : type;
}

Flag flag_of(const CLI::Option& option) {
  Flag flag;
  for (const auto& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.help = option.get_description();
  flag.repeats = option.get_expected_max() > 1;
  if (option.get_positional()) flag.label = option.get_single_name();
  else if (option.get_items_expected_max() > 0) flag.label = label_of(option);
  const std::string type = option.get_type_name();
  flag.choices = choices_of(type);
  flag.takes_folder = type.find("DIR") != type.npos || flag.label == "folder";
  flag.takes_file = type.find("FILE") != type.npos || type.find("PATH") != type.npos || flag.label == "file" || flag.label == "workflow";
  return flag;
}

void offer(std::vector<std::string>& found, const std::string& word, const std::string& help, const std::string& written) {
  if (word.starts_with(written)) found.push_back(word + "\t" + help.substr(0, help.find('\n')));
}

std::vector<std::string> values_of(const Flag& flag, const std::string& written) {
  std::vector<std::string> found;
  for (const auto& choice : flag.choices) offer(found, choice, "", written);
  if (flag.takes_file) found.push_back(":files");
  else if (flag.takes_folder) found.push_back(":folders");
  return found;
}

/// Text of a manual: no line may begin as a request, and a minus is a minus.
std::string roff(const std::string& text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
    begins = c == '\n';
  }
  return out;
}

void write_flag(std::string& out, const Flag& flag) {
  out += ".TP\n";
  std::string line;
  if (flag.names.empty()) line = "\\fI" + roff(flag.label) + "\\fR";
  for (const auto& name : flag.names) line += (line.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  if (!flag.names.empty() && !flag.label.empty()) line += " \\fI" + roff(flag.label) + "\\fR";
  out += line + "\n" + roff(flag.help.empty() ? "(no more to say)" : flag.help);
  std::string choices;
  for (const auto& choice : flag.choices) choices += (choices.empty() ? "" : ", ") + choice;
  if (!choices.empty()) out += roff(" One of: " + choices + ".");
  out += "\n";
}

void write_command(std::string& out, const Command& command, const std::string& path) {
  out += ".SS \"" + roff(path) + "\"\n" + roff(command.help) + "\n";
  for (const auto& argument : command.arguments) write_flag(out, argument);
  for (const auto& flag : command.flags) write_flag(out, flag);
  if (!command.footer.empty()) out += ".PP\n.nf\n" + roff(command.footer) + "\n.fi\n";
  for (const auto& inner : command.commands) write_command(out, inner, path + " " + inner.name);
}

}  // namespace

const Command* Command::find(const std::string& wanted) const {
  const auto at = std::ranges::find_if(commands, [&](const Command& command) { return command.name == wanted; });
  return at == commands.end() ? nullptr : &*at;
}

Command command_tree(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
  for (const auto* option : app.get_options())
    if (!option->get_group().empty()) (option->get_positional() ? command.arguments : command.flags).push_back(flag_of(*option));
  for (const auto* inner : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!inner->get_group().empty()) command.commands.push_back(command_tree(*inner));
  return command;
}

std::vector<std::string> completions(const Command& root, const std::vector<std::string>& words) {
  const std::string written = words.empty() ? "" : words.back();
  const Command* command = &root;
  const Flag* open = nullptr;  // the flag whose value comes next
  std::size_t argument = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (open) {
      open = nullptr;
      continue;
    }
    if (words[i].starts_with('-')) {
      for (const auto& flag : command->flags)
        if (!flag.label.empty() && std::ranges::find(flag.names, words[i]) != flag.names.end()) open = &flag;
    } else if (const Command* inner = command->find(words[i])) {
      command = inner;
      argument = 0;
    } else if (argument < command->arguments.size() && !command->arguments[argument].repeats) {
      ++argument;
    }
  }
  if (open) return values_of(*open, written);
  std::vector<std::string> found;
  if (written.starts_with('-')) {
    for (const auto& flag : command->flags)
      for (const auto& name : flag.names) offer(found, name, flag.help, written);
    return found;
  }
  for (const auto& inner : command->commands) offer(found, inner.name, inner.help, written);
  if (argument < command->arguments.size())
    for (auto& value : values_of(command->arguments[argument], written)) found.push_back(std::move(value));
  return found;
}

std::string manual_page(const Command& root, const std::string& version) {
  std::string out = ".TH DARKROOM 1 \"\" \"Darkroom " + version + "\" \"User Commands\"\n.SH NAME\ndarkroom \\- " + roff(root.help) +
                    "\n.SH SYNOPSIS\n.B darkroom\n.I COMMAND\n[\\fIOPTION\\fR...]\n.SH COMMANDS\n";
  for (const auto& command : root.commands) write_command(out, command, command.name);
  out +=
      ".SH ENVIRONMENT\n.TP\n.B DARKROOM_SERVER\nThe server of queue, history, view, upload, interrupt and events.\n.TP\n.B "
      "DARKROOM_TOKEN\nWho you are to a server.\n"
      ".TP\n.B DARKROOM_CACHE\nWhere models and environments of the program lie; ~/.cache/darkroom by default.\n";
  return out;
}

}  // namespace darkroom
