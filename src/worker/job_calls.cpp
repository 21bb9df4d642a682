// The calls of a node: their arguments, the lazy ones among them, and what keeps a call from being made.

#include <algorithm>

#include "worker/job_run.hpp"

namespace darkroom {
namespace {

/// DYNPROMPT: the object itself. Native nodes find what they need in their Context.
struct DynamicPromptObject final : Object {
  std::string describe() const override { return "DynamicPrompt()"; }
  std::size_t bytes() const override { return 0; }
};

json::value secret(const json::object& extra_data, const char* key) {
  const auto* value = find(extra_data, key);
  return value ? *value : json::value();
}

}  // namespace

Arguments JobRun::collect(NodeIndex at) {
  static const auto none = std::make_shared<const List>(List(1));
  const PromptNode& node = prompt_[at];
  Arguments arguments;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const GraphInput& given = node.given.inputs[i];
    const auto path = node.paths.find(given.name);
    const auto* target = path == node.paths.end() ? nullptr : &path->second;
    if (const Link* link = given.link()) {
      if (node.inputs[i].source == kNoNode) throw NamedError("KeyError", "'" + link->node + "'");
      Argument argument{given.name, none, target};
      if (order_->is_noted(at, i)) {
        if (const ResultPtr source = result_of(node.inputs[i].source)) {
          const auto count = static_cast<std::int64_t>(source->slots.size());
          const std::int64_t slot = link->slot < 0 ? link->slot + count : link->slot;
          if (slot >= 0 && slot < count) argument.values = source->slots[slot];
        }
      }
      arguments.add(std::move(argument));
    } else if (node.inputs[i].declared) {
      arguments.add({given.name, std::make_shared<const List>(List{node.inputs[i].held ? *node.inputs[i].held : Value::from_json(*given.constant())}), target});
    }
  }
  add_hidden(node, arguments);
  return arguments;
}

void JobRun::add_hidden(const PromptNode& node, Arguments& arguments) const {
  const NodeSchema& schema = node.node_class->schema;
  for (const auto& input : schema.inputs()) {
    if (input.section != Section::kHidden) continue;
    Value value;
    if (input.type == "UNIQUE_ID") value = node.ids.node;
    else if (input.type == "PROMPT") value = Value::shared_json(world_->prompt);
    else if (input.type == "EXTRA_PNGINFO") value = Value::shared_json(world_->extra_pnginfo);
    else if (input.type == "DYNPROMPT") value = std::make_shared<const DynamicPromptObject>();
    else if (input.type == "AUTH_TOKEN_COMFY_ORG") value = Value::from_json(secret(world_->extra_data, "auth_token_comfy_org"));
    else if (input.type == "API_KEY_COMFY_ORG") value = Value::from_json(secret(world_->extra_data, "api_key_comfy_org"));
    else continue;  // an unknown kind is not passed
    // The secrets of a failed node must not be read in its error message. V3 classes have no hidden arguments at all.
    const bool is_secret = input.type == "AUTH_TOKEN_COMFY_ORG" || input.type == "API_KEY_COMFY_ORG";
    arguments.add(input.name, std::move(value), schema.form() == Form::kV1 && !is_secret);
  }
}

/// Asks the node which lazy inputs it wants; notes those that it has not got. True when it has to wait for one.
bool JobRun::ask_lazy(NodeIndex at, Node& instance) {
  const PromptNode& node = prompt_[at];
  const bool takes_lists = node.node_class->schema.takes_lists();
  std::vector<std::string> wanted;
  for (std::size_t k = 0; k < arguments_.calls(takes_lists); ++k) {
    if (arguments_.blocker(k, takes_lists)) continue;
    for (auto& name : instance.wants(arguments_.call(k, takes_lists)))
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(std::move(name));
  }
  std::vector<std::size_t> missing;
  for (const auto& name : wanted) {
    const std::string says = "Node " + node.ids.node + " says it needs input " + name + ", but ";
    const auto given = std::find_if(node.given.inputs.begin(), node.given.inputs.end(), [&](const GraphInput& input) { return input.name == name; });
    if (given == node.given.inputs.end()) throw NamedError("comfy_execution.graph.NodeInputError", says + "there is no input to that node at all");
    const auto position = static_cast<std::size_t>(given - node.given.inputs.begin());
    if (given->link()) {
      if (!order_->is_noted(at, position)) missing.push_back(position);
    } else if (!node.inputs[position].declared) {
      throw NamedError("comfy_execution.graph.NodeInputError", says + "that value is a constant");
    }
  }
  for (const std::size_t position : missing) order_->need(at, position);
  return !missing.empty();
}

void JobRun::call(NodeIndex at, Node& instance) {
  const PromptNode& node = prompt_[at];
  const bool takes_lists = node.node_class->schema.takes_lists();
  if (!node.node_class->takes_any_input)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (!node.inputs[i].declared && node.given.inputs[i].link())
        throw NamedError("TypeError", node.class_name() + ".go() got an unexpected keyword argument '" + node.given.inputs[i].name + "'");
  auto unfinished = std::make_unique<Unfinished>();
  const std::size_t calls = arguments_.calls(takes_lists);
  unfinished->calls.reserve(calls);
  try {
    for (std::size_t k = 0; k < calls; ++k) {
      if (world_->interrupted()) throw Interrupted();
      if (auto outputs = blocked(at, k, takes_lists)) {
        unfinished->calls.push_back(std::move(*outputs));
        continue;
      }
      auto context = std::make_shared<JobContext>(world_, node.ids.node, static_cast<int>(k));
      unfinished->calls.push_back(instance.run(arguments_.call(k, takes_lists), *context));
      if (unfinished->calls.back().pending) unfinished->contexts.push_back(std::move(context));
    }
  } catch (...) {  // async calls that were begun go on, and what they may touch stays
    for (const auto& begun : unfinished->calls)
      if (begun.pending) executor_.orphans_.push_back({begun.pending, unfinished->contexts});
    throw;
  }
  settle(at, std::move(unfinished));
}

/// A call that gets a blocker is not made: all its slots become blockers. A message is told once, then it goes on silent.
std::optional<Outputs> JobRun::blocked(NodeIndex at, std::size_t k, bool takes_lists) {
  const Blocker* blocker = arguments_.blocker(k, takes_lists);
  if (!blocker) return std::nullopt;
  if (blocker->message) {
    json::object error = error_data(at);
    error["exception_message"] = "Execution Blocked: " + *blocker->message;
    error["exception_type"] = "ExecutionBlocked";
    error["traceback"] = json::array{};
    error["current_inputs"] = json::array{};
    error["current_outputs"] = json::array{};
    tell(NodeBlocked{std::move(error)});
  }
  Outputs outputs;
  outputs.block = Blocker{};
  return outputs;
}

}  // namespace darkroom
