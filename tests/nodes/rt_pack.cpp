#include "rt_pack.hpp"

namespace darkroom {
namespace {

void set_options(InputSpec& spec, std::string_view options) {
  spec.bare = options.empty();
  if (!spec.bare) spec.options = parse_json(options).as_object();
}

}  // namespace

InputSpec rt_input(std::string type, std::string_view options) {
  InputSpec spec;
  spec.type = std::move(type);
  set_options(spec, options);
  return spec;
}

InputSpec rt_choice(json::array choices, std::string_view options) {
  InputSpec spec;
  spec.type = "COMBO";
  spec.old_choices = true;
  spec.choices = std::move(choices);
  set_options(spec, options);
  return spec;
}

InputSpec rt_combo(std::string_view options) {
  InputSpec spec = rt_input("COMBO", options);
  spec.choices = spec.options.at("options").as_array();
  return spec;
}

InputSpec rt_optional(InputSpec spec) {
  spec.section = Section::kOptional;
  return spec;
}

InputSpec rt_tag() { return rt_optional(rt_input("STRING", R"({"default": ""})")); }

NodeSchema rt_schema(std::string name, std::string category) {
  NodeSchema schema(std::move(name), Form::kV1);
  schema.module("custom_nodes.rt_pack").category(std::move(category));
  return schema;
}

std::string rt_text(const Value& value) { return value.is_none() || value.is_number() || value.is_string() ? value.describe() : value.type_name(); }

}  // namespace darkroom
