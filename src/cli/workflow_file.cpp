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

}  // namespace darkroom
