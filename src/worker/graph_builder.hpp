#pragma once
// For nodes that turn into a graph: nodes with ids that are unique and the same in every run (protocol.md §6.10).

#include <memory>
#include <string>
#include <utility>

#include "worker/node.hpp"

namespace darkroom {

/// Ids are `<parent>.<call index>.<graph index>.<own id>`; own ids count from 1 or are given.
class GraphBuilder {
 public:
  explicit GraphBuilder(const Context& context, int graph_index = 0)
      : prefix_(context.node_id() + "." + std::to_string(context.call_index()) + "." + std::to_string(graph_index) + ".") {}

  /// Adds a node; returns its whole id. `inputs`: constants, or links made by link().
  std::string node(std::string_view node_class, json::object inputs, std::string own_id = "") {
    if (own_id.empty()) own_id = std::to_string(++count_);
    std::string id = prefix_ + own_id;
    graph_[id] = json::object{{"class_type", node_class}, {"inputs", std::move(inputs)}};
    return id;
  }
  static json::array link(std::string_view id, std::int64_t slot = 0) { return {json::value(id), slot}; }
  void set_input(std::string_view id, std::string_view name, json::value value) { graph_[id].as_object()["inputs"].as_object()[name] = std::move(value); }
  void show_at(std::string_view id, std::string_view display_id) { graph_[id].as_object()["override_display_id"] = display_id; }

  /// The expansion with `values`: constants, or `slot()` values for outputs of its nodes.
  Outputs finish(std::vector<Value> values) && {
    Outputs outputs(std::move(values));
    outputs.expansion = Expansion{std::move(graph_)};
    return outputs;
  }
  static Value slot(std::string id, std::int64_t index = 0) { return std::make_shared<const LinkValue>(std::move(id), index); }

 private:
  std::string prefix_;
  json::object graph_;
  int count_ = 0;
};

}  // namespace darkroom
