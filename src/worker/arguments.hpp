#pragma once
// The arguments of a node's calls: every input is a list of values, and the longest list says how often the node is called
// (protocol.md §6.4).

#include <memory>
#include <string>
#include <vector>

#include "worker/node.hpp"

namespace darkroom {

struct Argument {
  std::string name;
  std::shared_ptr<const List> values;
  const std::vector<std::string>* path = nullptr;  ///< where it goes in a growing input: {"nums","num0"}; null for a plain name
  bool shown = true;                               ///< in `current_inputs` of an error
};

class Arguments {
 public:
  void add(Argument argument) { items_.push_back(std::move(argument)); }
  void add(std::string name, Value value, bool shown = true);
  void clear() { items_.clear(); }

  /// Calls that these arguments make; with `takes_lists` one. At least one.
  std::size_t calls(bool takes_lists) const;
  /// Arguments of call `k`: shorter lists repeat their last value, and when all lists are empty there is no argument at all.
  /// With `takes_lists` every argument is its whole list. Throws an IndexError for an empty list beside one that isn't.
  Inputs call(std::size_t k, bool takes_lists) const;
  /// The first blocker among the arguments of call `k`, or null.
  const Blocker* blocker(std::size_t k, bool takes_lists) const;
  /// `current_inputs` of an error: scalars as they are, anything else as its Python text (§6.7).
  json::object describe() const;

 private:
  std::size_t longest() const;
  std::vector<Argument> items_;
};

}  // namespace darkroom
