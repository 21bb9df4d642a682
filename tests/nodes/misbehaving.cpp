// Nodes that do what no node should: the end-to-end tests see that the server survives them.
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

/// Takes memory, page by page, until it is stopped from outside or has `megabytes`.
class MisbehavingEater final : public Node {
 public:
  static NodeSchema schema() { return misbehaving("MisbehavingEater").input("megabytes", Int{.value = 1024}); }
  Outputs run(const Inputs& in, Context& context) override {
    std::vector<std::vector<char>> meals;
    for (std::int64_t i = 0; i < in.integer("megabytes"); ++i) {
      context.check();
      meals.emplace_back(1 << 20, 'x');
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
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
