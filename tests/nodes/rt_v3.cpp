// Twins of rt_pack_v3: the newer form of a class.
#include <algorithm>

#include "rt_pack.hpp"

namespace darkroom {
namespace {

NodeSchema v3(const char* name) {
  NodeSchema schema(name, Form::kV3);
  schema.module("custom_nodes.rt_pack_v3").category("rt/v3");
  return schema;
}

InputSpec v3_tag() { return rt_optional(rt_input("STRING", R"({"default": "", "multiline": false})")); }

class Rt3Join final : public Node {
 public:
  static NodeSchema schema() {
    return v3("RT3_Join").display_name("Join (rt3)").description("Joins a text and a number.")
        .input("text", rt_input("STRING", R"({"tooltip": "a text", "default": "a", "multiline": false})"))
        .input("n", rt_input("INT", R"({"default": 1, "min": 0, "max": 9})"))
        .input("mode", rt_combo(R"({"multiselect": false, "options": ["plain", "loud"]})"))
        .input("f", rt_optional(rt_input("FLOAT", R"({"default": 0.5, "display": "slider"})"))).input("tag", v3_tag())
        .output("STRING", "joined", false, "the joined text").output("INT", "count").validator({.names = {"text"}});
  }
  static json::value validate(const Inputs& in, const json::object&) {
    const auto* text = in.at("text").if_string();
    return text && text->empty() ? json::value("empty text") : json::value(true);
  }
  static json::value fingerprint(const Inputs& in, const Folders&) { return in.at("text").to_json().value_or(nullptr); }
  Outputs run(const Inputs& in, Context&) override {
    std::string out = in.text("text") + "-" + std::to_string(in.integer("n"));
    if (in.choice("mode") == "loud") std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    return {std::move(out), in.at("n")};
  }
};

class Rt3Show final : public Node {
 public:
  static NodeSchema schema() { return v3("RT3_Show").input("value", rt_input("*", "{}")).input("tag", v3_tag()).hidden("unique_id", "UNIQUE_ID").output_node(); }
  Outputs run(const Inputs& in, Context& context) override {
    return Outputs().show("text", {json::value(in.at("value").describe())}).show("uid", {json::value(context.node_id())});
  }
};

class Rt3Gate final : public Node {
 public:
  static NodeSchema schema() {
    return v3("RT3_Gate").input("open", rt_combo(R"({"multiselect": false, "options": ["yes", "bare", "with_value"]})"))
        .input("value", rt_input("INT", R"({"lazy": true})")).input("tag", v3_tag()).output("INT").experimental().lazy_check();
  }
  std::vector<std::string> wants(const Inputs& in) override {
    return in.choice("open") == "yes" && !in.given("value") ? std::vector<std::string>{"value"} : std::vector<std::string>{};
  }
  Outputs run(const Inputs& in, Context&) override {
    Outputs outputs;
    if (in.choice("open") == "bare") return outputs;  // block_execution without values does not block in 0.8.0
    const Value* value = in.find("value");
    outputs.values = {value ? *value : Value()};
    if (in.choice("open") == "with_value") outputs.block = Blocker{"gate v3"};
    return outputs;
  }
};

/// A growing set of inputs, and a choice that brings inputs.
class Rt3Sum final : public Node {
 public:
  static NodeSchema schema() {
    return v3("RT3_Sum")
        .input("nums", rt_input("COMFY_AUTOGROW_V3",
                                R"({"template": {"input": {"required": {"num": ["INT", {"forceInput": true}]}}, "prefix": "num", "min": 2, "max": 4}})"))
        .input("op", rt_input("COMFY_DYNAMICCOMBO_V3", R"({"options": [{"key": "plain", "inputs": {"required": {}}},
            {"key": "times", "inputs": {"required": {"factor": ["INT", {"default": 2, "min": 1, "max": 5}]}}}]})"))
        .input("tag", v3_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context&) override {
    std::int64_t sum = 0, factor = 1;
    for (const auto& [name, value] : members(in, "nums"))
      if (!value.is_none()) sum += value.as_int();
    for (const auto& [name, value] : members(in, "op"))
      if (name == "factor") factor = value.as_int();
    return {sum * factor};
  }

 private:
  static const std::vector<std::pair<std::string, Value>>& members(const Inputs& in, const char* name) {
    const auto* dict = in.at(name).if_dict();
    if (!dict) throw NamedError("AttributeError", "'" + in.at(name).type_name() + "' object has no attribute 'get'");
    return *dict;
  }
};

}  // namespace

void register_rt_v3(Registry& registry) {
  registry.add<Rt3Join>();
  registry.add<Rt3Show>();
  registry.add<Rt3Gate>();
  registry.add<Rt3Sum>();
}

}  // namespace darkroom
