#include "workflow/object_info.hpp"

#include "base/error.hpp"

namespace darkroom {
namespace {

void read_inputs(NodeSchema& schema, const json::object& info) {
  const auto* sections = darkroom::find_object(info, "input");
  if (!sections) return;
  for (const auto& [name, section] : {std::pair{"required", Section::kRequired}, std::pair{"optional", Section::kOptional}}) {
    const auto* inputs = darkroom::find_object(*sections, name);
    if (!inputs) continue;
    for (const auto& [input, shown] : *inputs) schema.input(std::string(input), read_input_spec(std::string(input), section, shown));
  }
  if (const auto* hidden = darkroom::find_object(*sections, "hidden"))
    for (const auto& [input, kind] : *hidden) {
      const auto* list = kind.if_array();
      const json::value& text = list && !list->empty() ? list->front() : kind;
      if (text.is_string()) schema.hidden(std::string(input), std::string(text.get_string()));
    }
}

void read_outputs(NodeSchema& schema, const json::object& info) {
  const auto* types = darkroom::find_array(info, "output");
  const auto* names = darkroom::find_array(info, "output_name");
  const auto* is_list = darkroom::find_array(info, "output_is_list");
  for (std::size_t i = 0; types && i < types->size(); ++i) {
    OutputSpec output;
    if (const auto* choices = (*types)[i].if_array()) {
      output.type = "COMBO";
      output.choices = *choices;
    } else {
      output.type = python_str((*types)[i]);
    }
    if (names && i < names->size() && (*names)[i].is_string()) output.name = std::string((*names)[i].get_string());
    output.is_list = is_list && i < is_list->size() && truthy((*is_list)[i]);
    schema.output(std::move(output));
  }
}

}  // namespace

InputSpec read_input_spec(std::string name, Section section, const json::value& shown) {
  InputSpec spec;
  spec.name = std::move(name);
  spec.section = section;
  spec.type = "*";
  const auto* list = shown.if_array();
  if (!list || list->empty()) return spec;
  if (const auto* type = (*list)[0].if_string()) {
    spec.type = std::string(*type);
  } else if (const auto* choices = (*list)[0].if_array()) {
    spec.type = "COMBO";
    spec.old_choices = true;
    spec.choices = *choices;
  }
  if (list->size() > 1 && (*list)[1].is_object()) spec.options = (*list)[1].get_object();
  else spec.bare = true;
  if (const auto* options = darkroom::find_array(spec.options, "options"); options && spec.is_choice() && !spec.old_choices) spec.choices = *options;
  return spec;
}

SchemaSet read_object_info(const json::value& reply) {
  const auto* classes = reply.if_object();
  if (!classes) throw InvalidInput("object_info: not an object of node classes");
  SchemaSet set;
  for (const auto& [name, value] : *classes) {
    const auto* info = value.if_object();
    if (!info) continue;
    NodeSchema schema(std::string(name), info->contains("output_matchtypes") || info->contains("price_badge") ? Form::kV3 : Form::kV1);
    schema.module(string_or(*info, "python_module", "nodes"));
    schema.category(string_or(*info, "category", "sd"));
    schema.display_name(string_or(*info, "display_name", ""));
    read_inputs(schema, *info);
    read_outputs(schema, *info);
    if (bool_or(*info, "output_node", false)) schema.output_node();
    set.add(std::move(schema));
  }
  return set;
}

SchemaSet read_object_info_text(std::string_view text) {
  return read_object_info(parse_json(text, {.max_bytes = text.size(), .round_wide_integers = true}));
}

}  // namespace darkroom
