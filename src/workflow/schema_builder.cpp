// How a node class declares itself: its inputs by type, and the chain of calls of NodeSchema.

#include "workflow/schema.hpp"

namespace darkroom {
namespace {

InputSpec start(std::string name, std::string type, const Common& common) {
  InputSpec spec;
  spec.name = std::move(name);
  spec.type = std::move(type);
  spec.bare = common.bare;
  if (!common.tooltip.empty()) spec.options["tooltip"] = common.tooltip;
  if (common.lazy) spec.options["lazy"] = true;
  for (const auto& [key, value] : common.extra) spec.options[key] = value;
  return spec;
}

void put(json::object& options, const char* key, const json::value& value) {
  if (!value.is_null()) options[key] = value;
}

void put_text(json::object& options, const char* key, const std::string& text) {
  if (!text.empty()) options[key] = text;
}

json::object template_of(const InputSpec& input) {
  // Templates never hold file lists, so that no ChoiceLists is needed.
  json::array spec{json::value(input.type), input.options};
  return {{input.name, std::move(spec)}};
}

}  // namespace

Combo files(std::string content_types) {
  Combo combo;
  combo.source = {ListSource::Kind::kInputFiles, std::move(content_types)};
  return combo;
}

Combo models(std::string folder) {
  Combo combo;
  combo.source = {ListSource::Kind::kModels, std::move(folder)};
  return combo;
}

InputSpec make_input(Form, std::string name, const Int& type) {
  InputSpec spec = start(std::move(name), "INT", type.common);
  put(spec.options, "default", type.value);
  if (type.force_input) spec.options["forceInput"] = true;
  put(spec.options, "min", type.min);
  put(spec.options, "max", type.max);
  put(spec.options, "step", type.step);
  if (type.control_after_generate) spec.options["control_after_generate"] = true;
  put_text(spec.options, "display", type.display);
  return spec;
}

InputSpec make_input(Form, std::string name, const Float& type) {
  const auto real = [](const json::value& value) { return value.is_number() ? json::value(value.to_number<double>()) : value; };
  InputSpec spec = start(std::move(name), "FLOAT", type.common);
  put(spec.options, "default", real(type.value));
  if (type.force_input) spec.options["forceInput"] = true;
  put(spec.options, "min", real(type.min));
  put(spec.options, "max", real(type.max));
  put(spec.options, "step", real(type.step));
  put(spec.options, "round", type.round);
  put_text(spec.options, "display", type.display);
  return spec;
}

InputSpec make_input(Form form, std::string name, const String& type) {
  InputSpec spec = start(std::move(name), "STRING", type.common);
  put(spec.options, "default", type.value);
  if (type.force_input) spec.options["forceInput"] = true;
  if (type.multiline || form == Form::kV3) spec.options["multiline"] = type.multiline.value_or(false);
  return spec;
}

InputSpec make_input(Form, std::string name, const Boolean& type) {
  InputSpec spec = start(std::move(name), "BOOLEAN", type.common);
  put(spec.options, "default", type.value);
  put_text(spec.options, "label_on", type.label_on);
  put_text(spec.options, "label_off", type.label_off);
  return spec;
}

InputSpec make_input(Form form, std::string name, const Combo& type) {
  InputSpec spec = start(std::move(name), "COMBO", type.common);
  spec.choices = json::array(type.choices.begin(), type.choices.end());
  spec.source = type.source;
  spec.must_exist = type.must_exist;
  spec.old_choices = form == Form::kV1 && !type.new_form;
  put(spec.options, "default", type.value);
  if (!spec.old_choices) {
    if (form == Form::kV3) spec.options["multiselect"] = false;
    // A list that the editor fetches by itself (`remote`) has no options of its own.
    if (!spec.options.contains("remote")) spec.options["options"] = spec.choices;
  }
  return spec;
}

InputSpec make_input(Form, std::string name, const Socket& type) { return start(std::move(name), type.type, type.common); }

InputSpec make_input(Form, std::string name, const MatchType& type) {
  InputSpec spec = start(std::move(name), "COMFY_MATCHTYPE_V3", type.common);
  spec.options["template"] = json::object{{"template_id", type.template_id}, {"allowed_types", type.allowed_types}};
  return spec;
}

InputSpec make_input(Form form, std::string name, const Autogrow& type) {
  InputSpec spec = start(std::move(name), "COMFY_AUTOGROW_V3", {});
  spec.options["template"] = json::object{{"input", json::object{{"required", template_of(make_input(form, type.member, type.of))}}},
                                          {"prefix", type.prefix}, {"min", type.min}, {"max", type.max}};
  return spec;
}

InputSpec make_input(Form, std::string name, const DynamicCombo& type) {
  InputSpec spec = start(std::move(name), "COMFY_DYNAMICCOMBO_V3", {});
  json::array options;
  for (const auto& option : type.options) {
    json::object required;
    for (const auto& input : option.inputs)
      for (auto& [key, value] : template_of(input)) required[key] = value;
    options.push_back(json::object{{"key", option.key}, {"inputs", json::object{{"required", std::move(required)}}}});
  }
  spec.options["options"] = std::move(options);
  return spec;
}

NodeSchema::NodeSchema() = default;
NodeSchema::NodeSchema(std::string node_class, Form form) : node_class_(std::move(node_class)), form_(form) {}
NodeSchema::NodeSchema(const NodeSchema&) = default;
NodeSchema::NodeSchema(NodeSchema&&) noexcept = default;
NodeSchema& NodeSchema::operator=(const NodeSchema&) = default;
NodeSchema& NodeSchema::operator=(NodeSchema&&) noexcept = default;
NodeSchema::~NodeSchema() = default;

template <class Type>
NodeSchema& NodeSchema::input(std::string name, const Type& type) {
  inputs_.push_back(make_input(form_, std::move(name), type));
  return *this;
}

template <class Type>
NodeSchema& NodeSchema::optional(std::string name, const Type& type) {
  input(std::move(name), type);
  inputs_.back().section = Section::kOptional;
  return *this;
}

#define DARKROOM_INPUT_TYPE(Type)                                               \
  template NodeSchema& NodeSchema::input<Type>(std::string name, const Type&); \
  template NodeSchema& NodeSchema::optional<Type>(std::string name, const Type&);
DARKROOM_INPUT_TYPE(Int)
DARKROOM_INPUT_TYPE(Float)
DARKROOM_INPUT_TYPE(String)
DARKROOM_INPUT_TYPE(Boolean)
DARKROOM_INPUT_TYPE(Combo)
DARKROOM_INPUT_TYPE(Socket)
DARKROOM_INPUT_TYPE(MatchType)
DARKROOM_INPUT_TYPE(Autogrow)
DARKROOM_INPUT_TYPE(DynamicCombo)
DARKROOM_INPUT_TYPE(Image)
DARKROOM_INPUT_TYPE(Mask)
DARKROOM_INPUT_TYPE(Latent)
DARKROOM_INPUT_TYPE(Any)
#undef DARKROOM_INPUT_TYPE

NodeSchema& NodeSchema::input(std::string name, InputSpec spec) {
  spec.name = std::move(name);
  inputs_.push_back(std::move(spec));
  return *this;
}

NodeSchema& NodeSchema::output(OutputSpec spec) {
  outputs_.push_back(std::move(spec));
  return *this;
}

NodeSchema& NodeSchema::hidden(std::string name, std::string kind) {
  InputSpec spec;
  spec.name = std::move(name);
  spec.type = std::move(kind);
  spec.section = Section::kHidden;
  inputs_.push_back(std::move(spec));
  return *this;
}

NodeSchema& NodeSchema::output(std::string type, std::string name, bool is_list, std::string tooltip) {
  OutputSpec spec;
  spec.type = std::move(type);
  spec.name = std::move(name);
  spec.is_list = is_list;
  spec.tooltip = std::move(tooltip);
  return output(std::move(spec));
}

NodeSchema& NodeSchema::output(const MatchType& type, std::string name) {
  OutputSpec spec;
  spec.type = "COMFY_MATCHTYPE_V3";
  spec.name = std::move(name);
  spec.matchtype = type.template_id;
  return output(std::move(spec));
}

}  // namespace darkroom
