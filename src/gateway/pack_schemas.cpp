#include "gateway/pack_schemas.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

namespace asio = boost::asio;

namespace {

/// Asks for these classes and takes over what has changed; gives those that were slow before. Throws Unavailable when no worker answers in time.
asio::awaitable<std::vector<std::string>> ask(Services& services, std::vector<std::string> classes) {
  json::array names;
  for (auto& name : classes) names.emplace_back(std::move(name));
  json::object question{{"what", "schemas"}, {"classes", std::move(names)}};
  const json::value answer = co_await services.workers.ask(std::move(question));
  const auto known = services.schemas.current();
  json::array changed;
  std::vector<NodeSchema> replaced;
  const json::object told = answer.is_object() ? answer.get_object() : json::object();
  std::vector<std::string> slow;
  if (const auto* list = find_array(told, "slow"))
    for (const auto& name : *list) slow.emplace_back(name.as_string());
  const auto* schemas = find_array(told, "schemas");
  for (const auto& wire : schemas ? *schemas : json::array()) {
    NodeSchema schema = NodeSchema::from_wire(wire.as_object());
    const NodeSchema* before = known->find(schema.node_class());
    if (!before || before->to_wire() == schema.to_wire()) continue;
    changed.push_back(wire);
    replaced.push_back(std::move(schema));
  }
  if (replaced.empty()) co_return slow;
  auto now = std::make_shared<SchemaSet>();
  for (const auto& schema : known->all()) {
    const auto other = std::ranges::find(replaced, schema.node_class(), &NodeSchema::node_class);
    now->add(other == replaced.end() ? schema : *other);
  }
  services.schemas.replace(std::move(now));
  services.workers.tell_classes(std::move(changed));
  co_return slow;
}

/// The names of packs' classes among these nodes, each once.
std::vector<std::string> pack_classes(const SchemaSet& schemas, const json::object& prompt) {
  std::set<std::string> names;
  for (const auto& [id, node] : prompt) {
    const auto* body = node.if_object();
    const auto* name = body ? find(*body, "class_type") : nullptr;
    const NodeSchema* schema = name && name->is_string() ? schemas.find(name->get_string()) : nullptr;
    if (schema && is_of_pack(*schema)) names.insert(schema->node_class());
  }
  return {names.begin(), names.end()};
}

}  // namespace

asio::awaitable<std::shared_ptr<const SchemaSet>> schemas_for(Services& services, const json::object& prompt) {
  auto schemas = co_await services.schemas.wait();
  if (!services.schemas.has_packs()) co_return schemas;
  const auto classes = pack_classes(*schemas, prompt);
  if (classes.empty() || services.workers.workers().empty()) co_return schemas;
  for (const auto& name : classes) {  // one by one, so that it is known which one was slow
    bool slow = false;
    std::vector<std::string> one{name};
    try {
      const auto unanswered = co_await ask(services, std::move(one));
      slow = !unanswered.empty();
    } catch (const Unavailable&) {
      slow = true;
    } catch (const RaisedInValidator& error) {
      log::warn("{}: its inputs stay as they were: {}", name, error.what());
    }
    if (slow) throw SlowClass{name};
  }
  co_return services.schemas.current();
}

asio::awaitable<void> refresh_schemas(Services& services, std::optional<std::string> only) {
  const auto schemas = co_await services.schemas.wait();
  if (!services.schemas.has_packs()) co_return;
  std::vector<std::string> classes;
  const auto ask_for = [&](const NodeSchema& schema) {
    if (is_of_pack(schema)) classes.push_back(schema.node_class());
  };
  if (!only) std::ranges::for_each(schemas->all(), ask_for);
  else if (const NodeSchema* schema = schemas->find(*only)) ask_for(*schema);
  if (classes.empty() || services.workers.workers().empty()) co_return;
  try {
    co_await ask(services, std::move(classes));
  } catch (const std::exception& error) {
    log::warn("the inputs of packs' node classes stay as they were: {}", error.what());
  }
}

}  // namespace darkroom
