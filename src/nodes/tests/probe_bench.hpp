#pragma once
// Runs one node in a graph of its own: inputs come from probe nodes or are constants, outputs go to probe nodes.

#include <map>
#include <string>

#include "nodes/all_nodes.hpp"
#include "nodes/tests/probe_nodes.hpp"
#include "worker/executor.hpp"

namespace darkroom {

struct Answer {
  std::map<std::string, json::value, std::less<>> ui;  ///< by node id: "node" itself, "out0" .. its slots
  std::string fault;                                   ///< data of execution_error; "" when all went well
};

class ProbeBench {
 public:
  ProbeBench() {
    register_all_nodes(registry_);
    register_probe_nodes(registry_);
    executor_.configure({}, CacheMode{}, 0);
  }

  NodeClassPtr find(const std::string& node_class) const { return registry_.find(node_class); }

  /// `inputs`: constants, `{"link": value}` or `{"links": [values]}`.
  Answer ask(const std::string& node_class, const json::object& inputs) {
    Job job;
    job.id = "probe";
    job.prompt = graph_of(node_class, inputs, registry_.find(node_class)->schema.outputs().size());
    for (const auto& [id, node] : job.prompt)
      if (registry_.find(std::string(node.at("class_type").as_string()))->schema.is_output_node()) job.outputs.emplace_back(id);
    Answer answer;
    const std::atomic<bool> interrupt{false};
    const auto sink = [&](JobEvent event) {
      if (const auto* executed = std::get_if<NodeExecuted>(&event)) answer.ui[executed->ids.node] = executed->output;
      if (const auto* failed = std::get_if<JobFailed>(&event)) answer.fault = dump(json::value(failed->error));
    };
    executor_.run(job, sink, interrupt);
    return answer;
  }

 private:
  static json::object graph_of(const std::string& node_class, const json::object& inputs, std::size_t slots) {
    json::object graph, arguments;
    int number = 0;
    for (const auto& [name, value] : inputs) {
      const auto* link = value.is_object() ? value.as_object().if_contains("link") : nullptr;
      const auto* links = value.is_object() ? value.as_object().if_contains("links") : nullptr;
      if (!link && !links) {
        arguments[name] = value;
        continue;
      }
      const std::string id = "in" + std::to_string(number++);
      graph[id] = json::object{{"class_type", link ? "ProbeMake" : "ProbeList"}, {"inputs", json::object{{"json", dump(link ? *link : *links)}}}};
      arguments[name] = json::array{json::value(id), json::value(0)};
    }
    graph["node"] = json::object{{"class_type", node_class}, {"inputs", std::move(arguments)}};
    for (std::size_t slot = 0; slot < slots; ++slot) {
      json::object dumped{{"value", json::array{json::value("node"), json::value(slot)}}};
      graph["out" + std::to_string(slot)] = json::object{{"class_type", "ProbeDump"}, {"inputs", std::move(dumped)}};
    }
    return graph;
  }

  Registry registry_;
  Executor executor_{registry_};
};

}  // namespace darkroom
