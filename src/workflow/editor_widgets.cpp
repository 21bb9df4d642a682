#include "workflow/editor_widgets.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "workflow/object_info.hpp"

namespace darkroom {
namespace {

constexpr std::array<std::string_view, 4> kControls = {"fixed", "increment", "decrement", "randomize"};

bool has_control(const InputSpec& input) {
  if (const auto* option = input.options.if_contains("control_after_generate")) return truthy(*option);
  return input.type == "INT" && (input.name == "seed" || input.name == "noise_seed");
}

bool is_control(const json::value& value) {
  return value.is_string() && std::find(kControls.begin(), kControls.end(), std::string_view(value.get_string())) != kControls.end();
}

json::value default_of(const InputSpec& input) {
  if (const auto* value = input.options.if_contains("default")) return *value;
  if (input.type == "INT" || input.type == "FLOAT") return 0;
  if (input.type == "STRING") return "";
  if (input.type == "BOOLEAN") return false;
  return input.choices.empty() ? json::value(nullptr) : input.choices.front();
}

/// Deals out the saved values, in order.
class Dealer {
 public:
  explicit Dealer(const json::array* values) : values_(values) {}

  void deal(const InputSpec& input, json::object& out) {
    if (input.type == "COMFY_DYNAMICCOMBO_V3") return deal_choice(input, out);
    if (!has_widget(input)) return;
    out[input.name] = next(default_of(input));
    // Files written by programs may lack the control's value: it is taken only where one stands.
    if (has_control(input) && at_ < size() && is_control((*values_)[at_])) ++at_;
  }

 private:
  void deal_choice(const InputSpec& input, json::object& out) {
    const auto* options = darkroom::find_array(input.options, "options");
    if (!options || options->empty()) return;
    const auto key_of = [](const json::value& option) { return option.is_object() ? string_or(option.get_object(), "key", "") : std::string(); };
    const json::value chosen = next(json::value(key_of(options->front())));
    out[input.name] = chosen;
    for (const auto& option : *options) {
      if (!chosen.is_string() || key_of(option) != std::string_view(chosen.get_string())) continue;
      const auto* sections = darkroom::find_object(option.get_object(), "inputs");
      for (const char* section : {"required", "optional"})
        if (const auto* inputs = sections ? darkroom::find_object(*sections, section) : nullptr)
          for (const auto& [name, shown] : *inputs) deal(read_input_spec(input.name + "." + std::string(name), Section::kRequired, shown), out);
      return;
    }
  }

  std::size_t size() const { return values_ ? values_->size() : 0; }
  json::value next(json::value fallback) { return at_ < size() ? (*values_)[at_++] : std::move(fallback); }

  const json::array* values_;
  std::size_t at_ = 0;
};

}  // namespace

bool has_widget(const InputSpec& input) {
  if (input.section == Section::kHidden || bool_or(input.options, "forceInput", false)) return false;
  const std::string type = string_or(input.options, "widgetType", input.type);
  return input.is_choice() || type == "INT" || type == "FLOAT" || type == "STRING" || type == "BOOLEAN" || type == "COMBO";
}

json::object widget_values(const EditorNode& node, const NodeSchema* schema) {
  json::object out;
  const auto* by_name = node.widgets_values ? node.widgets_values->if_object() : nullptr;
  const auto* in_order = node.widgets_values ? node.widgets_values->if_array() : nullptr;
  if (!schema) {
    if (by_name) return *by_name;
    std::size_t at = 0;
    for (const auto& input : node.inputs) {
      if (input.widget.empty() || !in_order) continue;
      if (at < in_order->size()) out[input.widget] = (*in_order)[at++];
      if ((input.widget == "seed" || input.widget == "noise_seed") && at < in_order->size() && is_control((*in_order)[at])) ++at;
    }
    return out;
  }
  Dealer dealer(in_order);
  for (const Section section : {Section::kRequired, Section::kOptional})
    for (const auto& input : schema->inputs())
      if (input.section == section) dealer.deal(input, out);
  if (by_name)
    for (auto& [name, value] : out)
      if (const auto* saved = by_name->if_contains(name)) value = *saved;
  return out;
}

std::optional<json::value> instance_widget(const EditorNode& instance, const std::string& input) {
  const auto* values = instance.widgets_values ? instance.widgets_values->if_array() : nullptr;
  for (std::size_t i = 0; values && i < instance.proxy_widgets.size() && i < values->size(); ++i)
    if (instance.proxy_widgets[i] == std::pair<std::string, std::string>("-1", input)) return (*values)[i];
  return std::nullopt;
}

}  // namespace darkroom
