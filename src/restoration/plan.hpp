#pragma once
// What a job's graph will do, as far as somebody who watches a restoration wants to know.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "restoration/classes.hpp"

namespace darkroom::restoration {

struct Plan {
  std::unordered_map<std::string, const ClassPart*> nodes;  ///< those that play a part, by id
  double weight = 0;                                        ///< of all steps together
  /// Has it a step of a restoration? Only such jobs are watched here.
  bool is_restoration() const { return weight > 0; }
  bool has_step(std::string_view source) const;
};

/// `prompt` in API form; only nodes that one of `outputs` needs count.
Plan plan_of(const json::object& prompt, const std::vector<std::string>& outputs);

/// A quick look: does any node of the prompt do a step?
bool has_step(const json::object& prompt);

}  // namespace darkroom::restoration
