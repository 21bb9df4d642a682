#include "workflow/dynamic_inputs.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "workflow/object_info.hpp"

namespace darkroom {
namespace {

/// Limit: growing and chosen inputs inside each other in a node class. Beyond: deeper ones are not expanded. Fixed: schemas come from
/// packs. Edge: DynamicInputs.NestingHasALimit.
constexpr int kMaxNesting = 8;

constexpr std::string_view kAutogrow = "COMFY_AUTOGROW_V3";
constexpr std::string_view kDynamicCombo = "COMFY_DYNAMICCOMBO_V3";
constexpr std::string_view kDynamicSlot = "COMFY_DYNAMICSLOT_V3";

bool is_dynamic(std::string_view type) { return type == kAutogrow || type == kDynamicCombo || type == kDynamicSlot; }

/// What is given, whatever form the node has: name → its constant, or null for a link.
using Given = std::map<std::string, const json::value*, std::less<>>;

class Expander {
 public:
  explicit Expander(const Given& given) : given_(given) {}

  void add(const InputSpec& spec, std::string last_part, const std::vector<std::string>& parents, int depth = 0) {
    if (depth > kMaxNesting) return;
    if (spec.type == kAutogrow) autogrow(spec, last_part, parents, depth);
    else if (spec.type == kDynamicCombo) combo(spec, last_part, parents, depth);
    else if (spec.type == kDynamicSlot) slot(spec, last_part, parents, depth);
    else out_.push_back({spec, last_part, join(parents, last_part), false});
  }

  std::vector<EffectiveInput> take() { return std::move(out_); }

 private:
  static std::vector<std::string> join(std::vector<std::string> parents, const std::string& last) {
    parents.push_back(last);
    return parents;
  }

  /// The first declared input of a template: what every member of the group is.
  static const json::value* first_input(const json::object& form) {
    const auto* sections = darkroom::find_object(form, "input");
    if (!sections) return nullptr;
    for (const auto& [section, inputs] : *sections)
      if (const auto* object = inputs.if_object(); object && !object->empty()) return &object->begin()->value();
    return nullptr;
  }

  void autogrow(const InputSpec& group, const std::string& name, const std::vector<std::string>& parents, int depth) {
    const auto* form = darkroom::find_object(group.options, "template");
    const auto* shown = form ? first_input(*form) : nullptr;
    if (!shown) return;
    const auto path = join(parents, name);
    const auto add_member = [&](const std::string& member) {
      // Optional: the original does not enforce `min`, an absent member is never missed.
      const InputSpec spec = read_input_spec(group.name + "." + member, Section::kOptional, *shown);
      add(spec, member, path, depth + 1);
    };
    if (const auto* names = darkroom::find_array(*form, "names")) {
      for (const auto& member : *names)
        if (member.is_string() && given_.contains(group.name + "." + std::string(member.get_string()))) add_member(std::string(member.get_string()));
      return;
    }
    const std::string prefix = group.name + "." + string_or(*form, "prefix", "");
    const std::int64_t max = int_or(*form, "max", 0);
    std::vector<std::int64_t> numbers;
    for (auto at = given_.lower_bound(prefix); at != given_.end() && at->first.starts_with(prefix); ++at) {
      const std::string_view digits = std::string_view(at->first).substr(prefix.size());
      std::int64_t number = -1;
      const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      const bool canonical = end.ec == std::errc{} && end.ptr == digits.data() + digits.size() && std::to_string(number) == digits;
      if (canonical && number >= 0 && number < max) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    for (const auto number : numbers) add_member(string_or(*form, "prefix", "") + std::to_string(number));
  }

  void combo(const InputSpec& group, const std::string& name, const std::vector<std::string>& parents, int depth) {
    const auto chosen = given_.find(group.name);
    const auto* options = darkroom::find_array(group.options, "options");
    if (chosen == given_.end() || !chosen->second || !chosen->second->is_string() || !options) return;
    for (const auto& option : *options) {
      const auto* object = option.if_object();
      if (!object || darkroom::find_string(*object, "key") != std::string(chosen->second->get_string())) continue;
      const auto path = join(parents, name);
      out_.push_back({group, name, join(path, name), true});
      add_sections(group.name, darkroom::find_object(*object, "inputs"), path, depth);
      return;
    }
  }

  void slot(const InputSpec& group, const std::string& name, const std::vector<std::string>& parents, int depth) {
    InputSpec spec = group;
    spec.type = string_or(group.options, "slotType", "*");
    const auto path = join(parents, name);
    out_.push_back({std::move(spec), name, join(path, name), false});
    if (given_.contains(group.name)) add_sections(group.name, darkroom::find_object(group.options, "inputs"), path, depth);
  }

  void add_sections(const std::string& group, const json::object* sections, const std::vector<std::string>& path, int depth) {
    if (!sections) return;
    for (const auto& [section, inputs] : *sections) {
      const auto* object = inputs.if_object();
      if (!object || section == "hidden") continue;
      for (const auto& [member, shown] : *object) {
        const InputSpec spec = read_input_spec(group + "." + std::string(member), section == "optional" ? Section::kOptional : Section::kRequired, shown);
        add(spec, std::string(member), path, depth + 1);
      }
    }
  }

  const Given& given_;
  std::vector<EffectiveInput> out_;
};

std::vector<EffectiveInput> expand(const NodeSchema& schema, const Given& given) {
  Expander expander(given);
  for (const Section section : {Section::kRequired, Section::kOptional})
    for (const auto& spec : schema.inputs())
      if (spec.section == section) expander.add(spec, spec.name, {});
  return expander.take();
}

Given given_of(const GraphNode& node) {
  Given given;
  for (const auto& input : node.inputs) given.emplace(input.name, input.constant());
  return given;
}

}  // namespace

bool has_dynamic_inputs(const NodeSchema& schema) {
  return std::any_of(schema.inputs().begin(), schema.inputs().end(), [](const InputSpec& input) { return is_dynamic(input.type); });
}

std::vector<EffectiveInput> effective_inputs(const NodeSchema& schema, const json::object& inputs) {
  Given given;
  for (const auto& [name, value] : inputs) {
    const auto* wrapped = value.if_object() ? value.get_object().if_contains("__value__") : nullptr;
    given.emplace(name, value.is_array() ? nullptr : wrapped ? wrapped : &value);
  }
  return expand(schema, given);
}

std::vector<EffectiveInput> effective_inputs(const NodeSchema& schema, const GraphNode& node) { return expand(schema, given_of(node)); }

ArgumentPaths argument_paths(const NodeSchema& schema, const GraphNode& node) {
  ArgumentPaths paths;
  for (auto& input : effective_inputs(schema, node)) paths.emplace(std::move(input.spec.name), std::move(input.path));
  return paths;
}

}  // namespace darkroom
