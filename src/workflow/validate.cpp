#include "workflow/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/error.hpp"
#include "workflow/check_constant.hpp"
#include "workflow/convert_constant.hpp"
#include "workflow/custom_validation.hpp"
#include "workflow/dependent_outputs.hpp"
#include "workflow/dynamic_inputs.hpp"
#include "workflow/graph.hpp"
#include "workflow/limits.hpp"
#include "workflow/prompt_nodes.hpp"
#include "workflow/types_meet.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

using validation::InputFault;
using validation::Raised;

/// One node on the way down. What would be a local variable of a recursive walk.
struct Frame {
  std::size_t node;
  json::object* inputs = nullptr;        ///< null: none (a list counts as no inputs)
  std::vector<EffectiveInput> expanded;  ///< of a class with dynamic inputs
  std::size_t next = 0;                  ///< input to look at next; next - 1 is the one whose source is being walked
  json::object received_types;           ///< for a validator that takes `input_types`
};

struct InputRef {
  const InputSpec& spec;
  std::string_view last_part;
  bool unchecked;
};

class Validator {
 public:
  Validator(json::object& prompt, const SchemaSet& schemas, ChoiceLists& lists, const AskValidator& ask)
      : prompt_(prompt, schemas), nodes_(prompt_.nodes), lists_(lists), ask_(ask) {}

  Validation run(const std::vector<std::string>* targets) {
    Validation result;
    if (auto fault = prompt_.read()) {
      result.error = std::move(*fault);
      return result;
    }
    const auto outputs = chosen_outputs(targets);
    if (outputs.empty()) {
      result.error = validation::no_outputs();
      return result;
    }
    for (const auto output : outputs) walk(output);

    std::string details;
    for (const auto output : outputs) {
      const PromptNode& node = nodes_[output];
      if (node.valid) {
        result.outputs.emplace_back(node.id);
        continue;
      }
      for (const auto& fault : node.errors)
        details += fmt::format("{}{}: {}", details.empty() ? "" : "\n", std::string_view(fault.at("message").as_string()), std::string_view(fault.at("details").as_string()));
    }
    result.ok = !result.outputs.empty();
    if (!result.ok) result.error = validation::outputs_failed(std::move(details));
    if (result.outputs.size() < outputs.size()) result.node_errors = report(outputs);
    return result;
  }

 private:
  std::vector<std::size_t> chosen_outputs(const std::vector<std::string>* targets) const {
    std::unordered_set<std::string_view> wanted;
    if (targets) wanted.insert(targets->begin(), targets->end());
    std::vector<std::size_t> outputs;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].plan->schema->is_output_node() && (!targets || wanted.contains(nodes_[i].id))) outputs.push_back(i);
    return outputs;
  }

  // -- the walk -----------------------------------------------------------------------------------------------------

  void walk(std::size_t output) {
    if (nodes_[output].state != PromptNode::State::kUnseen) return;
    enter(output);
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      try {
        if (const auto source = advance(frame)) enter(*source);
        else leave();
      } catch (const Raised& raised) {
        leave_raised(raised);
      }
    }
  }

  void enter(std::size_t node) {
    nodes_[node].state = PromptNode::State::kOpen;
    stack_.push_back({node});
  }

  void leave() {
    PromptNode& node = nodes_[stack_.back().node];
    if (!node.errors.empty()) node.valid = false;
    close();
  }

  void close() {
    const std::size_t at = stack_.back().node;
    nodes_[at].state = PromptNode::State::kDone;
    post_order_.push_back(at);
    stack_.pop_back();
    if (!stack_.empty() && !nodes_[at].valid) nodes_[stack_.back().node].valid = false;
  }

  /// A reference that leads nowhere is an exception in ComfyUI: it takes the place of the node's other errors,
  /// and is told of by the node below that was looking up.
  void leave_raised(const Raised& raised) {
    PromptNode& node = nodes_[stack_.back().node];
    const std::string where = fmt::format("while validating node {} ({})", node.id, node.plan->schema->node_class());
    node.errors.clear();
    node.valid = false;
    if (stack_.size() == 1) {
      node.errors.push_back(validation::exception_during_validation(raised, where));
    } else {
      Frame& parent = stack_[stack_.size() - 2];
      const InputRef input = input_at(parent, parent.next - 1);
      node.errors.push_back(validation::exception_during_inner_validation(raised, where, fault_of(input.spec), parent.inputs->at(input.spec.name)));
    }
    close();
  }

  std::size_t input_count(const Frame& frame) const {
    const ClassPlan& plan = *nodes_[frame.node].plan;
    return plan.dynamic ? frame.expanded.size() : plan.inputs.size();
  }

  InputRef input_at(const Frame& frame, std::size_t i) const {
    const ClassPlan& plan = *nodes_[frame.node].plan;
    if (!plan.dynamic) return {*plan.inputs[i], plan.inputs[i]->name, false};
    const EffectiveInput& input = frame.expanded[i];
    return {input.spec, input.last_part, input.unchecked};
  }

  InputFault fault_of(const InputSpec& spec) { return {spec.name, input_config(spec, lists_)}; }

  /// Goes on with a node. Gives the source that has to be walked first, or nothing when the node is done.
  std::optional<std::size_t> advance(Frame& frame) {
    PromptNode& node = nodes_[frame.node];
    if (frame.next == 0) open_inputs(frame, node);
    while (frame.next < input_count(frame)) {
      const InputRef input = input_at(frame, frame.next++);
      if (const auto source = check_input(frame, node, input)) return source;
    }
    validate_by_class(*node.plan->schema, frame.inputs, frame.received_types, lists_, ask_, node.errors);
    return std::nullopt;
  }

  void open_inputs(Frame& frame, PromptNode& node) {
    auto* inputs = node.body->if_contains("inputs");
    if (!inputs) throw Raised{"KeyError", "'inputs'"};
    frame.inputs = inputs->if_object();
    if (!frame.inputs && !inputs->is_array()) throw Raised{"TypeError", fmt::format("argument of type '{}' is not iterable", python_type(*inputs))};
    static const json::object kNone;
    if (node.plan->dynamic) frame.expanded = effective_inputs(*node.plan->schema, frame.inputs ? *frame.inputs : kNone);
  }

  std::optional<std::size_t> check_input(Frame& frame, PromptNode& node, const InputRef& input) {
    auto* value = frame.inputs ? frame.inputs->if_contains(input.spec.name) : nullptr;
    if (!value) {
      if (input.spec.section == Section::kRequired && !input.unchecked)
        node.errors.push_back(validation::required_input_missing(input.spec.name, input.last_part));
      return std::nullopt;
    }
    if (input.unchecked) return std::nullopt;
    if (value->is_array()) return check_link(frame, node, input.spec, value->get_array());
    check_value(node, input.spec, *value);
    return std::nullopt;
  }

  std::optional<std::size_t> check_link(Frame& frame, PromptNode& node, const InputSpec& spec, json::array& link) {
    if (link.size() != 2) {
      node.errors.push_back(validation::bad_linked_input(fault_of(spec), link));
      return std::nullopt;
    }
    const std::size_t source = source_of(link[0]);
    const OutputSpec& output = output_of(*nodes_[source].plan->schema, link[1]);
    const auto& validator = node.plan->schema->validator();
    if (validator && validator->takes_types) {
      frame.received_types[spec.name] = shown_type(output);
    } else if (output.type != spec.type || !output.choices.empty() || spec.old_choices) {
      const json::value received = shown_type(output), wanted = wanted_type(spec);
      if (!types_meet(received, wanted)) {
        node.errors.push_back(validation::return_type_mismatch(fault_of(spec), received, wanted, link));
        return std::nullopt;
      }
    }
    links_.push_back({frame.node, source});
    switch (nodes_[source].state) {
      case PromptNode::State::kUnseen: return source;
      case PromptNode::State::kOpen: report_cycle(source); break;
      case PromptNode::State::kDone:
        if (!nodes_[source].valid) node.valid = false;
        break;
    }
    return std::nullopt;
  }

  std::size_t source_of(const json::value& id) const {
    if (id.is_array() || id.is_object()) throw Raised{"TypeError", fmt::format("unhashable type: '{}'", python_type(id))};
    if (!id.is_string()) throw Raised{"KeyError", python_repr(id)};
    const auto at = prompt_.index.find(std::string_view(id.get_string()));
    if (at == prompt_.index.end()) throw Raised{"KeyError", python_repr(id)};
    return at->second;
  }

  /// The output of a slot; a negative slot counts from the end. Python's `true` is the index 1: written back as such.
  static const OutputSpec& output_of(const NodeSchema& source, json::value& slot) {
    const char* sequence = source.form() == Form::kV3 ? "list" : "tuple";
    if (slot.is_bool()) slot = static_cast<std::int64_t>(slot.get_bool());
    if (!slot.is_int64() && !slot.is_uint64())
      throw Raised{"TypeError", fmt::format("{} indices must be integers or slices, not {}", sequence, python_type(slot))};
    const auto count = static_cast<std::int64_t>(source.outputs().size());
    std::int64_t at = slot.is_int64() ? slot.get_int64() : count;
    if (at < 0) at += count;
    if (at < 0 || at >= count) throw Raised{"IndexError", fmt::format("{} index out of range", sequence)};
    return source.outputs()[static_cast<std::size_t>(at)];
  }

  static json::value shown_type(const OutputSpec& output) { return output.choices.empty() ? json::value(output.type) : json::value(output.choices); }
  json::value wanted_type(const InputSpec& spec) { return spec.old_choices ? json::value(lists_.choices(spec)) : json::value(spec.type); }

  void check_value(PromptNode& node, const InputSpec& spec, json::value& value) {
    const auto* wrapper = value.if_object();
    const auto* wrapped = wrapper ? wrapper->if_contains("__value__") : nullptr;
    if (wrapped || !has_type(spec.type, value)) {
      const json::value& given = wrapped ? *wrapped : value;
      json::value converted;
      try {
        converted = convert_constant(spec.type, given);
      } catch (const ConversionError& fault) {
        node.errors.push_back(validation::invalid_input_type(fault_of(spec), spec.type, given, fault.what()));
        return;
      }
      // A NaN has no JSON form and a list of [text, integer] would be a link: these stay as they were given.
      if (is_finite_json(converted) && !is_link(converted)) value = converted;
      check_converted(node, spec, converted);
    } else {
      check_converted(node, spec, value);
    }
  }

  /// The common case: nothing to convert, nothing to copy.
  static bool has_type(std::string_view type, const json::value& value) {
    if (type == "INT") return value.is_int64();
    if (type == "FLOAT") return value.is_double();
    if (type == "STRING") return value.is_string();
    return type != "BOOLEAN" || value.is_bool();
  }

  void check_converted(PromptNode& node, const InputSpec& spec, const json::value& converted) {
    if (spec.must_exist) return;  // any file that is there will do: see validate_by_class
    const auto& validator = node.plan->schema->validator();
    if (validator && (validator->takes_all || std::find(validator->names.begin(), validator->names.end(), spec.name) != validator->names.end())) return;
    if (auto fault = check_constant(spec, converted, lists_)) node.errors.push_back(std::move(*fault));
  }

  // -- circles ------------------------------------------------------------------------------------------------------

  /// The open nodes from `source` to the top of the stack are a circle. Each gets one error, of the first circle found.
  void report_cycle(std::size_t source) {
    std::size_t first = stack_.size();
    while (stack_[--first].node != source) {}
    const std::size_t length = stack_.size() - first;
    for (std::size_t start = 0; start < length; ++start) {
      PromptNode& node = nodes_[stack_[first + start].node];
      node.valid = false;
      if (std::exchange(node.on_reported_cycle, true)) continue;
      std::vector<validation::CycleNode> circle;
      circle.reserve(std::min(length, limits::kMaxCycleShown + 1));
      for (std::size_t k = 0; k < length && k <= limits::kMaxCycleShown; ++k) {
        const PromptNode& member = nodes_[stack_[first + (start + k) % length].node];
        circle.push_back({member.id, member.plan->schema->node_class()});
      }
      node.errors.push_back(validation::dependency_cycle(circle, length));
    }
  }

  // -- the report ---------------------------------------------------------------------------------------------------

  json::object report(const std::vector<std::size_t>& outputs) {
    std::vector<std::size_t> failing;
    std::copy_if(outputs.begin(), outputs.end(), std::back_inserter(failing), [&](std::size_t output) { return !nodes_[output].valid; });
    const bool cyclic = std::any_of(nodes_.begin(), nodes_.end(), [](const PromptNode& node) { return node.on_reported_cycle; });
    const auto dependents = dependent_outputs(nodes_.size(), links_, post_order_, failing, cyclic);
    json::object errors;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      PromptNode& node = nodes_[i];
      if (node.errors.empty()) continue;
      json::array ids;
      for (const auto output : dependents[i]) ids.push_back(json::value(nodes_[output].id));
      errors[node.id] = json::object{{"errors", std::move(node.errors)}, {"dependent_outputs", std::move(ids)}, {"class_type", node.plan->schema->node_class()}};
    }
    return errors;
  }

  PromptNodes prompt_;
  std::vector<PromptNode>& nodes_;
  ChoiceCache lists_;
  const AskValidator& ask_;
  std::vector<Frame> stack_;
  std::vector<FollowedLink> links_;
  std::vector<std::size_t> post_order_;
};

}  // namespace

Validation validate(json::object& prompt, const SchemaSet& schemas, ChoiceLists& lists, const std::vector<std::string>* targets, const AskValidator& ask) {
  return Validator(prompt, schemas, lists, ask).run(targets);
}

}  // namespace darkroom
