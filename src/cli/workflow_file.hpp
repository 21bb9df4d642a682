#pragma once
// The workflow of a run: read from a file in any form, with the user's edits and seeds.

#include "cli/run_options.hpp"
#include "workflow/import.hpp"

namespace darkroom {

/// The text of the run's workflow: its own, that of its file, or of standard input for "-". Throws RunFailure(kWorkflow).
std::string read_workflow(const RunOptions& options);

struct PreparedWorkflow {
  json::object prompt;
  json::object extra_pnginfo;  ///< {"workflow": …} when the file is the editor's own
  json::object seeds;          ///< those that were drawn: "3.seed" → number
};

/// Reads, edits, seeds. Throws RunFailure(kWorkflow) with what is wrong.
PreparedWorkflow prepare_workflow(std::string_view text, const RunOptions& options, const SchemaSet& schemas);

}  // namespace darkroom
