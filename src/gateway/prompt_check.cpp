#include "gateway/prompt_check.hpp"

#include <boost/asio/this_coro.hpp>

#include "gateway/ask_worker.hpp"
#include "gateway/pack_schemas.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kJudgeHereNodes = 64;  ///< larger prompts are validated on the pool

/// The refusal of a prompt with nodes of a class that did not say in time what it takes.
Validation too_slow(const json::object& prompt, const std::string& node_class) {
  Validation validation;
  const std::string details = "INPUT_TYPES of " + node_class + " did not return within the time for questions to packs";
  for (const auto& [id, node] : prompt)
    if (string_or(node.as_object(), "class_type", "") == node_class)
      validation.node_errors[id] = json::object{
          {"errors", json::array{validation::exception_during_validation(
                         {"TimeoutError", details}, "while asking for the inputs of node " + std::string(id) + " (" + node_class + ")")}},
          {"dependent_outputs", json::array{}},
          {"class_type", node_class}};
  validation.error = {{"type", "prompt_outputs_failed_validation"},
                      {"message", "Prompt outputs failed validation"},
                      {"details", details},
                      {"extra_info", json::object{}}};
  return validation;
}

/// Small prompts whose validation looks at nothing but the prompt are judged at once: a trip to the pool costs more.
bool is_quickly_judged(const json::object& prompt, const SchemaSet& schemas) {
  if (prompt.size() > kJudgeHereNodes) return false;
  for (const auto& [id, node] : prompt) {
    const auto* body = node.if_object();
    const auto* name = body ? find(*body, "class_type") : nullptr;
    const NodeSchema* schema = name && name->is_string() ? schemas.find(name->get_string()) : nullptr;
    if (!schema) continue;
    if (schema->validator()) return false;
    for (const InputSpec& input : schema->inputs())
      if (input.source.kind != ListSource::Kind::kFixed || input.must_exist) return false;
  }
  return true;
}

}  // namespace

asio::awaitable<CheckedPrompt> check_prompt(Services& services, std::string user, json::object prompt,
                                            std::optional<std::vector<std::string>> targets) {
  std::shared_ptr<const SchemaSet> schemas;
  std::string slow;
  try {
    schemas = co_await schemas_for(services, prompt);
  } catch (const SlowClass& one) {
    slow = one.node_class;
  }
  if (!slow.empty()) {
    Validation refusal = too_slow(prompt, slow);
    co_return CheckedPrompt{std::move(refusal), std::move(prompt)};
  }
  const auto lists = services.schemas.lists_of(user);
  if (is_quickly_judged(prompt, *schemas)) {
    Validation validation = validate(prompt, *schemas, *lists, targets ? &*targets : nullptr);
    co_return CheckedPrompt{std::move(validation), std::move(prompt)};
  }
  const auto io = co_await asio::this_coro::executor;
  auto prompt_here = std::make_shared<json::object>(std::move(prompt));
  auto work = [&services, schemas, lists, io, prompt_here, targets = std::move(targets)] {
    return validate(*prompt_here, *schemas, *lists, targets ? &*targets : nullptr, ask_worker(services.workers, io));
  };
  Validation validation = co_await services.pool.run(std::move(work));
  co_return CheckedPrompt{std::move(validation), std::move(*prompt_here)};
}

}  // namespace darkroom
