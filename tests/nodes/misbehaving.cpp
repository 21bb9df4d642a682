// Nodes that do what no node should: the end-to-end tests see that the server survives them.
#include <ATen/ops/ones.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "misbehaving.hpp"

namespace darkroom {
namespace {

NodeSchema misbehaving(const char* name) {
  return NodeSchema(name, Form::kV1).module("custom_nodes.misbehaving").category("tests").input("value", Any{}).output("*").output_node();
}

/// Dies by a signal in the middle of a call.
class MisbehavingCrash final : public Node {
 public:
  static NodeSchema schema() { return misbehaving("MisbehavingCrash"); }
  Outputs run(const Inputs& in, Context&) override {
    std::raise(SIGSEGV);
    return {in.at("value")};
  }
};

/// Never looks at the cancel flag.
class MisbehavingHang final : public Node {
 public:
  static NodeSchema schema() { return misbehaving("MisbehavingHang").input("seconds", Int{.value = 60}); }
  Outputs run(const Inputs& in, Context&) override {
    std::this_thread::sleep_for(std::chrono::seconds(in.integer("seconds")));
    return {in.at("value")};
  }
};

/// Takes memory until it is stopped or has `megabytes`: as tensors, which the worker counts before it gives them, or as bytes.
class MisbehavingEater final : public Node {
 public:
  static NodeSchema schema() {
    return misbehaving("MisbehavingEater").input("megabytes", Int{.value = 1024}).input("how", Combo{"tensors", "bytes"});
  }
  Outputs run(const Inputs& in, Context& context) override {
    constexpr std::int64_t kMeal = 16;
    std::vector<std::vector<char>> bytes;
    std::vector<at::Tensor> tensors;
    for (std::int64_t i = 0; i < in.integer("megabytes"); i += kMeal) {
      context.check();
      if (in.choice("how") == "bytes") bytes.emplace_back(kMeal << 20, 'x');
      else tensors.push_back(at::ones({kMeal << 20}, at::kChar));
      std::this_thread::sleep_for(std::chrono::milliseconds(kMeal));
    }
    return {in.at("value")};
  }
};

/// Throws what no handler names.
class MisbehavingThrow final : public Node {
 public:
  static NodeSchema schema() { return misbehaving("MisbehavingThrow"); }
  Outputs run(const Inputs&, Context&) override { throw 42; }
};

}  // namespace

void register_misbehaving_nodes(Registry& registry) {
  registry.add<MisbehavingCrash>();
  registry.add<MisbehavingHang>();
  registry.add<MisbehavingEater>();
  registry.add<MisbehavingThrow>();
}

}  // namespace darkroom
