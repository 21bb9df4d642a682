#include "workflow/schema.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace darkroom {
namespace {

json::array strings(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

const char* section_name(Section section) {
  return section == Section::kRequired ? "required" : section == Section::kOptional ? "optional" : "hidden";
}

json::object input_to_wire(const InputSpec& input) {
  json::object out{{"name", input.name}, {"section", section_name(input.section)}, {"type", input.type}, {"options", input.options}};
  if (input.old_choices) out["old_choices"] = true;
  if (input.bare) out["bare"] = true;
  if (input.is_choice()) out["choices"] = input.choices;
  if (input.source.kind != ListSource::Kind::kFixed) {
    out["source"] = input.source.kind == ListSource::Kind::kModels ? "models" : "input_files";
    out["argument"] = input.source.argument;
  }
  if (input.must_exist) out["must_exist"] = true;
  return out;
}

InputSpec input_from_wire(const json::object& wire) {
  InputSpec input;
  input.name = string_or(wire, "name", "");
  const std::string section = string_or(wire, "section", "required");
  input.section = section == "required" ? Section::kRequired : section == "optional" ? Section::kOptional : Section::kHidden;
  input.type = string_or(wire, "type", "*");
  input.old_choices = bool_or(wire, "old_choices", false);
  input.bare = bool_or(wire, "bare", false);
  if (const auto* choices = find_array(wire, "choices")) input.choices = *choices;
  if (const auto* options = find_object(wire, "options")) input.options = *options;
  const std::string source = string_or(wire, "source", "");
  if (!source.empty())
    input.source = {source == "models" ? ListSource::Kind::kModels : ListSource::Kind::kInputFiles, string_or(wire, "argument", "")};
  input.must_exist = bool_or(wire, "must_exist", false);
  return input;
}

}  // namespace

bool ValidatorSpec::has_default(std::string_view name) const {
  return std::find(defaults.begin(), defaults.end(), name) != defaults.end();
}

const InputSpec* NodeSchema::find_input(std::string_view name) const {
  for (const auto& input : inputs_)
    if (input.name == name) return &input;
  return nullptr;
}

bool NodeSchema::wants_hidden(std::string_view kind) const {
  return std::any_of(inputs_.begin(), inputs_.end(), [&](const InputSpec& input) { return input.section == Section::kHidden && input.type == kind; });
}

json::array NodeSchema::spec_json(const InputSpec& input, ChoiceLists& lists) {
  json::object options = input.options;
  json::array choices = input.source.kind == ListSource::Kind::kFixed ? input.choices : strings(lists.list(input.source));
  if (input.old_choices) {
    json::array spec{std::move(choices)};
    if (!input.bare) spec.push_back(std::move(options));
    return spec;
  }
  if (input.is_choice() && options.contains("options")) options["options"] = std::move(choices);
  json::array spec{json::value(input.type)};
  if (!input.bare) spec.push_back(std::move(options));
  return spec;
}

json::object NodeSchema::info(ChoiceLists& lists) const {
  const bool v3 = form_ == Form::kV3;
  json::object input, order;
  const auto has = [this](Section section) { return std::ranges::any_of(inputs_, [section](const InputSpec& spec) { return spec.section == section; }); };
  if (v3 || has(Section::kOptional)) {
    input["required"] = json::object{};
    order["required"] = json::array{};
  }
  const auto add = [&](std::string_view section, const std::string& name, json::value spec) {
    if (!input.contains(section)) {
      input[section] = json::object{};
      order[section] = json::array{};
    }
    input[section].as_object()[name] = std::move(spec);
    order[section].as_array().push_back(json::value(name));
  };
  for (const Section section : {Section::kRequired, Section::kOptional, Section::kHidden}) {
    for (const auto& spec : inputs_) {
      if (spec.section != section) continue;
      if (section != Section::kHidden) add(section_name(section), spec.name, spec_json(spec, lists));
      else if (v3) add("hidden", spec.name, json::array{json::value(spec.type)});
      else add("hidden", spec.name, json::value(spec.type));
    }
  }
  if (v3 && output_node_) {
    for (const auto& [name, kind] : {std::pair{"prompt", "PROMPT"}, std::pair{"extra_pnginfo", "EXTRA_PNGINFO"}})
      if (!wants_hidden(kind)) add("hidden", name, json::array{json::value(kind)});
  }
  if (!v3 && !input.contains("required")) {
    input["required"] = json::object{};
    order["required"] = json::array{};
  }

  json::array types, is_list, names, tooltips, matchtypes;
  bool any_tooltip = false, any_match = false;
  for (const auto& output : outputs_) {
    if (output.choices.empty()) types.push_back(json::value(output.type));
    else types.push_back(output.choices);
    is_list.push_back(output.list_unsaid ? json::value(nullptr) : json::value(output.is_list));
    names.push_back(output.name.empty() ? types.back() : json::value(output.name));
    tooltips.push_back(output.tooltip.empty() ? json::value(nullptr) : json::value(output.tooltip));
    matchtypes.push_back(output.matchtype.empty() ? json::value(nullptr) : json::value(output.matchtype));
    any_tooltip |= !output.tooltip.empty();
    any_match |= !output.matchtype.empty();
  }
  json::object out{{"input", std::move(input)}, {"input_order", std::move(order)}, {"output", std::move(types)},
                   {"output_is_list", std::move(is_list)}, {"output_name", std::move(names)}};
  if (v3) {
    out["output_tooltips"] = tooltips;
    out["output_matchtypes"] = any_match ? json::value(matchtypes) : json::value(nullptr);
  }
  out["name"] = node_class_;
  out["display_name"] = display_name_.empty() ? (v3 ? json::value(nullptr) : json::value(node_class_)) : json::value(display_name_);
  out["description"] = description_;
  out["python_module"] = module_;
  out["category"] = category_;
  out["output_node"] = output_node_;
  if (v3) {
    out["deprecated"] = deprecated_;
    out["experimental"] = experimental_;
    out["api_node"] = false;
  } else {
    if (any_tooltip) out["output_tooltips"] = tooltips;
    if (deprecated_) out["deprecated"] = true;
    if (experimental_) out["experimental"] = true;
  }
  return out;
}

json::object NodeSchema::to_wire() const {
  json::array inputs, outputs;
  for (const auto& input : inputs_) inputs.push_back(input_to_wire(input));
  for (const auto& output : outputs_) {
    json::object item{{"type", output.type}, {"name", output.name}, {"is_list", output.is_list}, {"tooltip", output.tooltip}, {"matchtype", output.matchtype}};
    if (!output.choices.empty()) item["choices"] = output.choices;
    if (output.list_unsaid) item["list_unsaid"] = true;
    outputs.push_back(std::move(item));
  }
  json::object out{{"class", node_class_}, {"v3", form_ == Form::kV3}, {"module", module_}, {"category", category_},
                   {"display_name", display_name_}, {"description", description_}, {"inputs", std::move(inputs)}, {"outputs", std::move(outputs)},
                   {"output_node", output_node_}, {"input_is_list", input_is_list_}, {"not_idempotent", not_idempotent_},
                   {"deprecated", deprecated_}, {"experimental", experimental_}, {"lazy_check", lazy_check_}, {"fingerprinted", fingerprinted_}};
  if (validator_)
    out["validator"] = json::object{{"names", strings(validator_->names)}, {"defaults", strings(validator_->defaults)},
                                    {"takes_all", validator_->takes_all}, {"takes_types", validator_->takes_types}};
  return out;
}

NodeSchema NodeSchema::from_wire(const json::object& wire) {
  NodeSchema schema(string_or(wire, "class", ""), bool_or(wire, "v3", false) ? Form::kV3 : Form::kV1);
  if (schema.node_class_.empty()) throw InvalidInput("a node schema without a class");
  schema.module_ = string_or(wire, "module", "nodes");
  schema.category_ = string_or(wire, "category", "sd");
  schema.display_name_ = string_or(wire, "display_name", "");
  schema.description_ = string_or(wire, "description", "");
  if (const auto* inputs = darkroom::find_array(wire, "inputs"))
    for (const auto& input : *inputs) schema.inputs_.push_back(input_from_wire(input.as_object()));
  if (const auto* outputs = darkroom::find_array(wire, "outputs"))
    for (const auto& item : *outputs) {
      const auto& object = item.as_object();
      OutputSpec output;
      output.type = string_or(object, "type", "*");
      output.name = string_or(object, "name", "");
      output.is_list = bool_or(object, "is_list", false);
      output.list_unsaid = bool_or(object, "list_unsaid", false);
      output.tooltip = string_or(object, "tooltip", "");
      output.matchtype = string_or(object, "matchtype", "");
      if (const auto* choices = darkroom::find_array(object, "choices")) output.choices = *choices;
      schema.outputs_.push_back(std::move(output));
    }
  schema.output_node_ = bool_or(wire, "output_node", false);
  schema.input_is_list_ = bool_or(wire, "input_is_list", false);
  schema.not_idempotent_ = bool_or(wire, "not_idempotent", false);
  schema.deprecated_ = bool_or(wire, "deprecated", false);
  schema.experimental_ = bool_or(wire, "experimental", false);
  schema.lazy_check_ = bool_or(wire, "lazy_check", false);
  schema.fingerprinted_ = bool_or(wire, "fingerprinted", false);
  if (const auto* object = darkroom::find_object(wire, "validator")) {
    ValidatorSpec spec;
    for (const auto& [key, list] : {std::pair{"names", &spec.names}, std::pair{"defaults", &spec.defaults}})
      if (const auto* names = darkroom::find_array(*object, key))
        for (const auto& name : *names) list->emplace_back(name.as_string());
    spec.takes_all = bool_or(*object, "takes_all", false);
    spec.takes_types = bool_or(*object, "takes_types", false);
    schema.validator_ = std::move(spec);
  }
  return schema;
}

void SchemaSet::add(NodeSchema schema) {
  const auto [at, is_new] = index_.try_emplace(schema.node_class(), schemas_.size());
  if (is_new) schemas_.push_back(std::move(schema));
  else schemas_[at->second] = std::move(schema);
}

const NodeSchema* SchemaSet::find(std::string_view node_class) const {
  const auto at = index_.find(std::string(node_class));
  return at == index_.end() ? nullptr : &schemas_[at->second];
}

json::array SchemaSet::to_wire() const {
  json::array out;
  for (const auto& schema : schemas_) out.push_back(schema.to_wire());
  return out;
}

SchemaSet SchemaSet::from_wire(const json::array& wire) {
  SchemaSet set;
  for (const auto& item : wire) set.add(NodeSchema::from_wire(item.as_object()));
  return set;
}

}  // namespace darkroom
