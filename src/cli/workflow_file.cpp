#include "cli/workflow_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "workflow/edit.hpp"
#include "workflow/limits.hpp"

namespace darkroom {

std::string read_workflow(const RunOptions& options) {
  if (!options.text.empty()) return options.text;
  const auto& file = options.file;
  std::ifstream opened;
  if (file != "-") {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) throw RunFailure(RunStatus::kWorkflow, file + " is a folder, not a workflow");
    opened.open(file, std::ios::binary);
    if (!opened) throw RunFailure(RunStatus::kWorkflow, fmt::format("the workflow {} can't be opened", file));
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text, piece(1 << 16, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limits::kMaxWorkflowBytes) throw RunFailure(RunStatus::kWorkflow, fmt::format("the workflow is larger than {} MiB", limits::kMaxWorkflowBytes >> 20));
  }
  return text;
}

PreparedWorkflow prepare_workflow(std::string_view text, const RunOptions& options, const SchemaSet& schemas) {
  PreparedWorkflow prepared;
  try {
    ImportedWorkflow workflow = read_workflow_text(text, schemas);
    prepared.prompt = std::move(workflow.prompt);
    if (!workflow.editor.is_null()) prepared.extra_pnginfo["workflow"] = std::move(workflow.editor);
    // Seeds first, so that an edit of one node's seed wins over --seed.
    if (options.seed) set_seeds(prepared.prompt, *options.seed);
    if (options.random_seeds) {
      std::random_device device;
      prepared.seeds = randomize_seeds(prepared.prompt, [&] { return static_cast<std::uint64_t>(device()) << 32 | device(); });
    }
    for (const auto& edit : options.edits) apply_edit(prepared.prompt, edit, &schemas);
  } catch (const Error& error) {
    throw RunFailure(RunStatus::kWorkflow, error.what());
  }
  return prepared;
}

std::string describe_refusal(const json::object& error, const json::object& node_errors, const json::object& prompt) {
  std::string text = string_or(error, "message", "The server refused the workflow");
  const std::string details = string_or(error, "details", "");
  if (!details.empty() && node_errors.empty()) text += " (" + details + ")";
  for (const auto& [id, value] : node_errors) {
    const auto* entry = value.if_object();
    const auto* errors = entry ? find_array(*entry, "errors") : nullptr;
    if (!errors) continue;
    const auto* node = find_object(prompt, id);
    const auto* meta = node ? find_object(*node, "_meta") : nullptr;
    const std::string node_class = string_or(*entry, "class_type", "?"), title = meta ? string_or(*meta, "title", "") : "";
    text += fmt::format("\n  node {} ({}{})", std::string_view(id), node_class, title.empty() || title == node_class ? "" : ", \"" + title + "\"");
    for (const auto& fault : *errors)
      if (const auto* object = fault.if_object()) text += fmt::format("\n    {}: {}", string_or(*object, "message", ""), string_or(*object, "details", ""));
  }
  return text;
}

std::string describe_failure(const json::object& error, bool traceback) {
  const std::string message(trim(string_or(error, "exception_message", "it gives no reason")));
  std::string text = fmt::format("node {} ({}) failed: {}: {}", string_or(error, "node_id", "?"), string_or(error, "node_type", "?"),
                                 string_or(error, "exception_type", "Error"), message);
  if (const auto* lines = traceback ? find_array(error, "traceback") : nullptr)
    for (const auto& line : *lines)
      if (line.is_string()) text += "\n  " + std::string(trim(std::string_view(line.get_string())));
  return text;
}

}  // namespace darkroom
