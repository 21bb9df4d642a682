// Primitives, choices and switches: nodes of the categories utils, utils/primitive and logic.

#include "nodes/all_nodes.hpp"
#include "nodes/preview_text.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kMostInt = 9223372036854775807;

NodeSchema primitive_schema(const char* node_class, const char* display_name) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_primitive").category("utils/primitive").display_name(display_name);
}

/// Gives on what it got.
class Primitive : public Node {
 public:
  Outputs run(const Inputs& in, Context&) override { return {in.at("value")}; }
};

class PrimitiveString final : public Primitive {
 public:
  static NodeSchema schema() { return primitive_schema("PrimitiveString", "String").input("value", String{}).output("STRING"); }
};

class PrimitiveStringMultiline final : public Primitive {
 public:
  static NodeSchema schema() {
    return primitive_schema("PrimitiveStringMultiline", "String (Multiline)").input("value", String{.multiline = true}).output("STRING");
  }
};

class PrimitiveInt final : public Primitive {
 public:
  static NodeSchema schema() {
    return primitive_schema("PrimitiveInt", "Int")
        .input("value", Int{.min = -kMostInt, .max = kMostInt, .control_after_generate = true})
        .output("INT");
  }
};

class PrimitiveFloat final : public Primitive {
 public:
  static NodeSchema schema() {
    // Its limits are shown as integers.
    InputSpec value = make_input(Form::kV3, "value", Float{});
    value.options["min"] = -kMostInt;
    value.options["max"] = kMostInt;
    value.options["step"] = 0.1;
    return primitive_schema("PrimitiveFloat", "Float").input("value", value).output("FLOAT");
  }
};

class PrimitiveBoolean final : public Primitive {
 public:
  static NodeSchema schema() { return primitive_schema("PrimitiveBoolean", "Boolean").input("value", Boolean{}).output("BOOLEAN"); }
};

/// A choice among options that the editor's user wrote; the server doesn't know them.
class CustomCombo final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CustomCombo", Form::kV3).module("comfy_extras.nodes_logic").category("utils").display_name("Custom Combo").experimental()
        .description("A list of choices of your own.")
        .input("choice", Combo{}).output("STRING")
        .validator({.names = {"choice"}});
  }
  static json::value validate(const Inputs&, const json::object&) { return true; }
  Outputs run(const Inputs& in, Context&) override { return {in.at("choice")}; }
};

/// One of two values; what the other depends on isn't run.
class ComfySwitchNode final : public Node {
 public:
  static NodeSchema schema() {
    const MatchType any{.template_id = "switch", .common = {.lazy = true}};
    return NodeSchema("ComfySwitchNode", Form::kV3).module("comfy_extras.nodes_logic").category("logic").display_name("Switch").experimental()
        .lazy_check()
        .input("switch", Boolean{}).input("on_false", any).input("on_true", any)
        .output(any, "output");
  }
  std::vector<std::string> wants(const Inputs& in) override { return {chosen(in)}; }
  Outputs run(const Inputs& in, Context&) override { return {in.at(chosen(in))}; }

 private:
  static std::string chosen(const Inputs& in) { return in.boolean("switch") ? "on_true" : "on_false"; }
};

/// Shows any value as a text at the node.
class PreviewAny final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PreviewAny", Form::kV1).module("comfy_extras.nodes_preview_any").category("utils").display_name("Preview as Text").output_node()
        .input("source", Any{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return Outputs().show("text", {json::value(in.has("source") ? preview_text(in.at("source")) : "None")});
  }
};

}  // namespace

void register_utility_nodes(Registry& registry) {
  registry.add<PrimitiveString>();
  registry.add<PrimitiveStringMultiline>();
  registry.add<PrimitiveInt>();
  registry.add<PrimitiveFloat>();
  registry.add<PrimitiveBoolean>();
  registry.add<CustomCombo>();
  registry.add<ComfySwitchNode>();
  registry.add<PreviewAny>();
}

}  // namespace darkroom
