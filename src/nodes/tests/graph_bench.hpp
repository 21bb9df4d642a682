#pragma once
// Runs whole graphs through the executor in a data folder of their own: what a worker does, without a gateway.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "nodes/all_nodes.hpp"
#include "tensor/tests/test_device.hpp"
#include "worker/executor.hpp"

namespace darkroom {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {(std::istreambuf_iterator<char>(file)), {}};
}

/// What a job left: ui data by node, all events, and the error if it failed.
struct Ran {
  json::object outputs;
  std::vector<JobEvent> events;
  std::optional<json::object> error;

  std::string message() const { return error ? string_or(*error, "exception_message", "") : ""; }
  template <class Event>
  std::vector<Event> all() const {
    std::vector<Event> found;
    for (const auto& event : events)
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    return found;
  }
};

/// One executor for many graphs, as in a worker. Its folder goes with it.
class GraphBench {
 public:
  GraphBench() : root_(std::filesystem::temp_directory_path() / ("darkroom-nodes-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(root_);
    register_all_nodes(registry);
    settings.folders = Folders::below(root_);
    settings.folders.create_missing();
    settings.device = open_device(test_gpu());
    configure();
  }
  ~GraphBench() { std::filesystem::remove_all(root_); }
  GraphBench(const GraphBench&) = delete;
  GraphBench& operator=(const GraphBench&) = delete;

  void configure() { executor.configure(settings, CacheMode{}, 0); }

  /// Runs all output nodes of a graph in API form.
  Ran run(const json::object& workflow, json::object extra_data = {}) {
    Job job;
    job.id = "bench";
    job.prompt = workflow;
    job.extra_data = std::move(extra_data);
    for (const auto& [id, node] : workflow) {
      const NodeClassPtr node_class = registry.find(std::string(node.at("class_type").as_string()));
      if (!node_class) throw InvalidInput("no class " + std::string(node.at("class_type").as_string()));
      if (node_class->schema.is_output_node()) job.outputs.emplace_back(id);
    }
    Ran ran;
    const std::atomic<bool> interrupt{false};
    executor.run(job, [&](JobEvent event) {
      if (const auto* executed = std::get_if<NodeExecuted>(&event)) ran.outputs[executed->ids.node] = executed->output;
      if (const auto* failed = std::get_if<JobFailed>(&event)) ran.error = failed->error;
      ran.events.push_back(std::move(event));
    }, interrupt);
    return ran;
  }
  Ran run(std::string_view workflow, json::object extra_data = {}) { return run(parse_json(workflow).as_object(), std::move(extra_data)); }

  /// The file of one `{"filename", "subfolder", "type"}`.
  std::filesystem::path file(const json::value& entry) const {
    return *settings.folders.by_type(std::string(entry.at("type").as_string())) / std::string(entry.at("subfolder").as_string()) / std::string(entry.at("filename").as_string());
  }

  Registry registry;
  ExecutorSettings settings;
  Executor executor{registry};

 private:
  std::filesystem::path root_;
};

}  // namespace darkroom
