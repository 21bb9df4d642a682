#pragma once
// What a workflow document may hold. Every refusal names the limit and its number.

#include <cstddef>

namespace darkroom::limits {

/// Limit: a workflow as a file or a request, bytes. Beyond: 400; --max-upload-size may say less. Fixed: the largest known have 5 MiB. Edge:
/// test_limits.py::test_a_workflow_file_at_the_limit.
inline constexpr std::size_t kMaxWorkflowBytes = 100u << 20;
/// Limit: arrays and objects inside each other in a workflow. Beyond: 400. Fixed: bounds the stack; editors write seven. Edge:
/// ApiForm.DepthAtTheEdge, test_limits.py::test_prompts_at_the_limit_of_depth.
inline constexpr std::size_t kMaxWorkflowDepth = 256;
/// Limit: nodes of a prompt, subgraphs unfolded. Beyond: 400. Fixed: the largest known have a thousand. Edge:
/// ValidateLimits.NodesAtTheEdge, ApiForm.LimitsAtTheEdge.
inline constexpr std::size_t kMaxNodes = 20'000;
/// Limit: inputs of a node. Beyond: 400. Fixed: the largest known have some fifty. Edge: ValidateLimits.InputsAtTheEdge,
/// ApiForm.LimitsAtTheEdge.
inline constexpr std::size_t kMaxInputsPerNode = 1'000;
/// Limit: a node's id, bytes. Beyond: 400. Fixed: ids travel in every message of a job. Edge: ValidateLimits.IdAtTheEdge,
/// ApiForm.LimitsAtTheEdge.
inline constexpr std::size_t kMaxNodeIdBytes = 256;
/// Limit: subgraphs inside each other in an editor's file. Beyond: the file is refused. Fixed: one that holds itself has to end. Edge:
/// EditorForm.SubgraphsAtTheLimitOfNesting.
inline constexpr std::size_t kMaxSubgraphNesting = 16;

// What an error report may grow to, so that a small request can't ask for a huge answer.
/// Limit: outputs named for a faulty node. Beyond: the others are left out. Fixed: a small request can't ask for a huge answer. Edge:
/// Validate.SharedFaultNamesAtMostTheLimitOfOutputs.
inline constexpr std::size_t kMaxDependentOutputs = 200;
/// Limit: nodes named of a circle. Beyond: their number is told. Fixed: a small request can't ask for a huge answer. Edge:
/// Validate.CircleOfTenThousandNodesIsShownInPart.
inline constexpr std::size_t kMaxCycleShown = 50;
/// Limit: a value inside an error, bytes. Beyond: it is cut. Fixed: a small request can't ask for a huge answer. Edge:
/// Validate.LongValuesAreCutInDetails.
inline constexpr std::size_t kMaxValueText = 2'000;
/// Limit: choices of a list named in an error. Beyond: their number is told. Fixed: as in ComfyUI. Edge:
/// Validate.ChoicesAreNamedUpToALimit.
inline constexpr std::size_t kMaxChoicesShown = 20;

}  // namespace darkroom::limits
