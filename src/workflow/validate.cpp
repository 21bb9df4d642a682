#include "workflow/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/error.hpp"
#include "workflow/check_constant.hpp"
#include "workflow/convert_constant.hpp"
#include "workflow/custom_validation.hpp"
#include "workflow/dynamic_inputs.hpp"
#include "workflow/graph.hpp"
#include "workflow/limits.hpp"
#include "workflow/types_meet.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

using validation::InputFault;
using validation::Raised;

/// What the walk needs of a class, worked out once.
struct ClassPlan {
  const NodeSchema* schema = nullptr;
  bool dynamic = false;
  std::vector<const InputSpec*> inputs;  ///< required, then optional
};

enum class State { kUnseen, kOpen, kDone };

struct Node {
  std::string_view id;
  json::object* body = nullptr;
  const ClassPlan* plan = nullptr;
  State state = State::kUnseen;
  bool valid = true;
  bool on_reported_cycle = false;
  json::array errors;
};

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
      : prompt_(prompt), schemas_(schemas), lists_(lists), ask_(ask) {}

  Validation run(const std::vector<std::string>* targets) {
    Validation result;
    if (auto fault = read_nodes()) {
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
      const Node& node = nodes_[output];
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
  /// The tests of §5.1, node by node; the first fault ends them.
  std::optional<json::object> read_nodes() {
    if (prompt_.size() > limits::kMaxNodes)
      return validation::error("invalid_prompt", fmt::format("The prompt has too many nodes: at most {} are taken.", limits::kMaxNodes),
                               fmt::format("{} nodes", prompt_.size()));
    nodes_.reserve(prompt_.size());
    index_.reserve(prompt_.size());
    for (auto& item : prompt_) {
      const std::string_view id = item.key();
      if (auto fault = read_node(id, item.value())) return fault;
    }
    return std::nullopt;
  }

  std::optional<json::object> read_node(std::string_view id, json::value& value) {
    if (id.size() > limits::kMaxNodeIdBytes)
      return validation::error("invalid_prompt", fmt::format("A node id is longer than {} bytes.", limits::kMaxNodeIdBytes),
                               fmt::format("Node ID '#{}...'", id.substr(0, 40)));
    auto* body = value.if_object();
    if (!body) return validation::error("invalid_prompt", "Cannot execute because a node is not an object.", fmt::format("Node ID '#{}'", id));
    const auto* node_class = body->if_contains("class_type");
    if (!node_class) return validation::missing_class_type(id);
    const auto* name = node_class->if_string();
    const NodeSchema* schema = name ? schemas_.find(*name) : nullptr;
    if (!schema) return validation::unknown_class(id, *node_class);
    if (const auto* inputs = darkroom::find_object(*body, "inputs"); inputs && inputs->size() > limits::kMaxInputsPerNode)
      return validation::error("invalid_prompt", fmt::format("A node has too many inputs: at most {} are taken.", limits::kMaxInputsPerNode),
                               fmt::format("Node ID '#{}': {} inputs", id, inputs->size()));
    index_.emplace(id, nodes_.size());
    nodes_.push_back({id, body, &plan_of(*schema)});
    return std::nullopt;
  }

  const ClassPlan& plan_of(const NodeSchema& schema) {
    const auto [at, is_new] = plans_.try_emplace(&schema);
    ClassPlan& plan = at->second;
    if (is_new) {
      plan.schema = &schema;
      plan.dynamic = has_dynamic_inputs(schema);
      for (const Section section : {Section::kRequired, Section::kOptional})
        for (const auto& input : schema.inputs())
          if (input.section == section) plan.inputs.push_back(&input);
    }
    return plan;
  }

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
    if (nodes_[output].state != State::kUnseen) return;
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
    nodes_[node].state = State::kOpen;
    stack_.push_back({node});
  }

  void leave() {
    Node& node = nodes_[stack_.back().node];
    if (!node.errors.empty()) node.valid = false;
    close();
  }

  void close() {
    const std::size_t at = stack_.back().node;
    nodes_[at].state = State::kDone;
    post_order_.push_back(at);
    stack_.pop_back();
    if (!stack_.empty() && !nodes_[at].valid) nodes_[stack_.back().node].valid = false;
  }

  /// A reference that leads nowhere is an exception in ComfyUI: it takes the place of the node's other errors,
  /// and is told of by the node below that was looking up.
  void leave_raised(const Raised& raised) {
    Node& node = nodes_[stack_.back().node];
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
    Node& node = nodes_[frame.node];
    if (frame.next == 0) open_inputs(frame, node);
    while (frame.next < input_count(frame)) {
      const InputRef input = input_at(frame, frame.next++);
      if (const auto source = check_input(frame, node, input)) return source;
    }
    validate_by_class(*node.plan->schema, frame.inputs, frame.received_types, lists_, ask_, node.errors);
    return std::nullopt;
  }

  void open_inputs(Frame& frame, Node& node) {
    auto* inputs = node.body->if_contains("inputs");
    if (!inputs) throw Raised{"KeyError", "'inputs'"};
    frame.inputs = inputs->if_object();
    if (!frame.inputs && !inputs->is_array()) throw Raised{"TypeError", fmt::format("argument of type '{}' is not iterable", python_type(*inputs))};
    static const json::object kNone;
    if (node.plan->dynamic) frame.expanded = effective_inputs(*node.plan->schema, frame.inputs ? *frame.inputs : kNone);
  }

  std::optional<std::size_t> check_input(Frame& frame, Node& node, const InputRef& input) {
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

  std::optional<std::size_t> check_link(Frame& frame, Node& node, const InputSpec& spec, json::array& link) {
    if (link.size() != 2) {
      node.errors.push_back(validation::bad_linked_input(fault_of(spec), link));
      return std::nullopt;
    }
    const std::size_t source = source_of(link[0]);
    const json::value received = output_type(*nodes_[source].plan->schema, link[1]);
    const auto& validator = node.plan->schema->validator();
    if (validator && validator->takes_types) {
      frame.received_types[spec.name] = received;
    } else if (const json::value wanted = wanted_type(spec); !types_meet(received, wanted)) {
      node.errors.push_back(validation::return_type_mismatch(fault_of(spec), received, wanted, link));
      return std::nullopt;
    }
    links_.push_back({frame.node, source});
    switch (nodes_[source].state) {
      case State::kUnseen: return source;
      case State::kOpen: report_cycle(source); break;
      case State::kDone:
        if (!nodes_[source].valid) node.valid = false;
        break;
    }
    return std::nullopt;
  }

  std::size_t source_of(const json::value& id) const {
    if (id.is_array() || id.is_object()) throw Raised{"TypeError", fmt::format("unhashable type: '{}'", python_type(id))};
    if (!id.is_string()) throw Raised{"KeyError", python_repr(id)};
    const auto at = index_.find(std::string_view(id.get_string()));
    if (at == index_.end()) throw Raised{"KeyError", python_repr(id)};
    return at->second;
  }

  /// The type of an output slot; a negative slot counts from the end. Python's `true` is the index 1: written back as such.
  static json::value output_type(const NodeSchema& source, json::value& slot) {
    const char* sequence = source.form() == Form::kV3 ? "list" : "tuple";
    if (slot.is_bool()) slot = static_cast<std::int64_t>(slot.get_bool());
    if (!slot.is_int64() && !slot.is_uint64())
      throw Raised{"TypeError", fmt::format("{} indices must be integers or slices, not {}", sequence, python_type(slot))};
    const auto count = static_cast<std::int64_t>(source.outputs().size());
    std::int64_t at = slot.is_int64() ? slot.get_int64() : count;
    if (at < 0) at += count;
    if (at < 0 || at >= count) throw Raised{"IndexError", fmt::format("{} index out of range", sequence)};
    const OutputSpec& output = source.outputs()[static_cast<std::size_t>(at)];
    return output.choices.empty() ? json::value(output.type) : json::value(output.choices);
  }

  json::value wanted_type(const InputSpec& spec) { return spec.old_choices ? json::value(lists_.choices(spec)) : json::value(spec.type); }

  void check_value(Node& node, const InputSpec& spec, json::value& value) {
    const auto* wrapper = value.if_object();
    const auto* wrapped = wrapper ? wrapper->if_contains("__value__") : nullptr;
    const json::value given = wrapped ? *wrapped : value;
    json::value converted;
    try {
      converted = convert_constant(spec.type, given);
    } catch (const ConversionError& fault) {
      node.errors.push_back(validation::invalid_input_type(fault_of(spec), spec.type, given, fault.what()));
      return;
    }
    // A NaN has no JSON form and a list of [text, integer] would be a link: these stay as they were given.
    if (is_finite_json(converted) && !is_link(converted)) value = converted;
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
      Node& node = nodes_[stack_[first + start].node];
      node.valid = false;
      if (std::exchange(node.on_reported_cycle, true)) continue;
      std::vector<validation::CycleNode> circle;
      circle.reserve(std::min(length, limits::kMaxCycleShown + 1));
      for (std::size_t k = 0; k < length && k <= limits::kMaxCycleShown; ++k) {
        const Node& member = nodes_[stack_[first + (start + k) % length].node];
        circle.push_back({member.id, member.plan->schema->node_class()});
      }
      node.errors.push_back(validation::dependency_cycle(circle, length));
    }
  }

  // -- the report ---------------------------------------------------------------------------------------------------

  json::object report(const std::vector<std::size_t>& outputs) {
    const auto dependents = dependent_outputs(outputs);
    json::object errors;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      if (node.errors.empty()) continue;
      json::array ids;
      for (const auto output : dependents[i]) ids.push_back(json::value(nodes_[output].id));
      errors[node.id] = json::object{{"errors", std::move(node.errors)}, {"dependent_outputs", std::move(ids)}, {"class_type", node.plan->schema->node_class()}};
    }
    return errors;
  }

  /// For each node the failing outputs that really depend on it, in prompt order, at most kMaxDependentOutputs of them.
  /// Carried from consumers to sources in one pass over the reversed post-order; circles need a second one.
  std::vector<std::vector<std::size_t>> dependent_outputs(const std::vector<std::size_t>& outputs) const {
    std::vector<std::vector<std::size_t>> found(nodes_.size()), sources(nodes_.size());
    for (const auto& [consumer, source] : links_) sources[consumer].push_back(source);
    for (const auto output : outputs)
      if (!nodes_[output].valid) found[output].push_back(output);
    const bool cyclic = std::any_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.on_reported_cycle; });
    for (int pass = 0; pass < (cyclic ? 2 : 1); ++pass)
      for (auto consumer = post_order_.rbegin(); consumer != post_order_.rend(); ++consumer)
        for (const auto source : sources[*consumer]) merge(found[source], found[*consumer]);
    return found;
  }

  static void merge(std::vector<std::size_t>& into, const std::vector<std::size_t>& from) {
    if (from.empty() || into == from) return;
    std::vector<std::size_t> all;
    std::set_union(into.begin(), into.end(), from.begin(), from.end(), std::back_inserter(all));
    if (all.size() > limits::kMaxDependentOutputs) all.resize(limits::kMaxDependentOutputs);
    into = std::move(all);
  }

  struct LinkPair {
    std::size_t consumer, source;
  };

  json::object& prompt_;
  const SchemaSet& schemas_;
  ChoiceCache lists_;
  const AskValidator& ask_;
  std::unordered_map<const NodeSchema*, ClassPlan> plans_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<Frame> stack_;
  std::vector<LinkPair> links_;
  std::vector<std::size_t> post_order_;
};

}  // namespace

Validation validate(json::object& prompt, const SchemaSet& schemas, ChoiceLists& lists, const std::vector<std::string>* targets, const AskValidator& ask) {
  return Validator(prompt, schemas, lists, ask).run(targets);
}

}  // namespace darkroom
