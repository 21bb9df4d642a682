#pragma once
// What a workflow document may hold. Every refusal names the limit and its number.

#include <cstddef>

namespace darkroom::limits {

inline constexpr std::size_t kMaxWorkflowBytes = 100u << 20;  ///< of a file or a request; the gateway's --max-upload-size may say less
inline constexpr std::size_t kMaxWorkflowDepth = 256;         ///< nested arrays and objects
inline constexpr std::size_t kMaxNodes = 20'000;              ///< of one prompt, subgraphs flattened
inline constexpr std::size_t kMaxInputsPerNode = 1'000;
inline constexpr std::size_t kMaxNodeIdBytes = 256;           ///< ids travel in every message of a job
inline constexpr std::size_t kMaxSubgraphNesting = 16;

// What an error report may grow to, so that a small request can't ask for a huge answer.
inline constexpr std::size_t kMaxDependentOutputs = 200;  ///< named per faulty node
inline constexpr std::size_t kMaxCycleShown = 50;         ///< nodes named of one circle
inline constexpr std::size_t kMaxValueText = 2'000;       ///< bytes of a value inside `details`
inline constexpr std::size_t kMaxChoicesShown = 20;       ///< longer lists are shown by their length, as ComfyUI does

}  // namespace darkroom::limits
