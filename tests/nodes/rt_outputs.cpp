// Output nodes.
#include <algorithm>
#include <vector>

#include "rt_pack.hpp"

namespace darkroom {
namespace {

NodeSchema output_schema(std::string name, std::string category, InputSpec value) {
  return rt_schema(std::move(name), std::move(category)).input("value", std::move(value)).input("tag", rt_tag()).output_node();
}

/// One text entry per call.
class RtShow final : public Node {
 public:
  static NodeSchema schema() { return output_schema("RT_Show", "rt/out", rt_input("*", "{}")).display_name("Show (rt)").output("*"); }
  Outputs run(const Inputs& in, Context&) override { return Outputs{in.at("value")}.show("text", {json::value(rt_text(in.at("value")))}); }
};

/// Wants an INT.
class RtNeed final : public Node {
 public:
  static NodeSchema schema() { return output_schema("RT_Need", "rt/out", rt_input("INT", R"({"default": 1, "min": 0, "max": 9})")); }
  Outputs run(const Inputs& in, Context&) override {
    const auto shown = in.at("value").to_json();
    return Outputs().show("n", {shown ? *shown : json::value(in.at("value").describe())});
  }
};

/// Has no report.
class RtQuiet final : public Node {
 public:
  static NodeSchema schema() { return output_schema("RT_Quiet", "rt/out", rt_input("*", "{}")); }
  Outputs run(const Inputs& in, Context&) override {
    in.at("value");
    return {};
  }
};

/// Takes whole lists.
class RtGather final : public Node {
 public:
  static NodeSchema schema() {
    return output_schema("RT_Gather", "rt/lists", rt_input("*", "{}")).input_is_list().output("INT", "all", true).output("INT", "count");
  }
  Outputs run(const Inputs& in, Context&) override {
    const List& values = in.list("value");
    json::array texts;
    for (const auto& value : values) texts.push_back(json::value(rt_text(value)));
    const std::int64_t tags = in.has("tag") ? static_cast<std::int64_t>(in.list("tag").size()) : 0;
    return Outputs{Value::list(values), static_cast<std::int64_t>(values.size())}.show("text", std::move(texts)).show("tags", {tags});
  }
};

/// Reports what the hidden inputs hold.
class RtHidden final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Hidden", "rt/out").input("tag", rt_input("STRING", R"({"default": ""})"))
        .hidden("uid", "UNIQUE_ID").hidden("prompt", "PROMPT").hidden("png", "EXTRA_PNGINFO").hidden("dyn", "DYNPROMPT")
        .hidden("token", "AUTH_TOKEN_COMFY_ORG").hidden("key", "API_KEY_COMFY_ORG").hidden("odd", "NO_SUCH_KIND")
        .output("STRING").output_node();
  }
  Outputs run(const Inputs& in, Context&) override {
    std::vector<std::string> nodes;
    for (const auto& [id, node] : in.at("prompt").if_json()->get_object()) nodes.emplace_back(id);
    std::sort(nodes.begin(), nodes.end());
    const auto shown = [&](const char* name, json::value absent = nullptr) {
      const Value* value = in.find(name);
      return json::array{value ? value->to_json().value_or(json::value(value->type_name())) : std::move(absent)};
    };
    return Outputs{in.at("tag")}.show("uid", shown("uid")).show("prompt_nodes", json::array(nodes.begin(), nodes.end())).show("png", shown("png"))
        .show("dyn", shown("dyn")).show("token", shown("token")).show("key", shown("key")).show("odd", shown("odd", "unset"));
  }
};

}  // namespace

void register_rt_outputs(Registry& registry) {
  registry.add<RtShow>();
  registry.add<RtNeed>();
  registry.add<RtQuiet>();
  registry.add<RtGather>();
  registry.add<RtHidden>();
}

}  // namespace darkroom
