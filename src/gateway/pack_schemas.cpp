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

bool is_of_pack(const NodeSchema& schema) { return schema.python_module().starts_with("custom_nodes."); }

/// Asks for these classes and takes over what has changed. Throws Unavailable when no worker answers in time.
asio::awaitable<void> ask(Services& services, std::vector<std::string> classes) {
  json::array names;
  for (auto& name : classes) names.emplace_back(std::move(name));
  json::object question{{"what", "schemas"}, {"classes", std::move(names)}};
  const json::value answer = co_await services.workers.ask(std::move(question));
  const auto known = services.schemas.current();
  json::array changed;
  std::vector<NodeSchema> replaced;
  for (const auto& wire : answer.is_array() ? answer.get_array() : json::array()) {
    NodeSchema schema = NodeSchema::from_wire(wire.as_object());
    const NodeSchema* before = known->find(schema.node_class());
    if (!before || before->to_wire() == schema.to_wire()) continue;
    changed.push_back(wire);
    replaced.push_back(std::move(schema));
  }
  if (replaced.empty()) co_return;
  auto now = std::make_shared<SchemaSet>();
  for (const auto& schema : known->all()) {
    const auto other = std::ranges::find(replaced, schema.node_class(), &NodeSchema::node_class);
    now->add(other == replaced.end() ? schema : *other);
  }
  services.schemas.replace(std::move(now));
  services.workers.broadcast(Record{"classes", {{"schemas", std::move(changed)}}, {}});
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
  const auto classes = pack_classes(*schemas, prompt);
  if (classes.empty() || services.workers.workers().empty()) co_return schemas;
  for (const auto& name : classes) {  // one by one, so that it is known which one was slow
    bool slow = false;
    std::vector<std::string> one{name};
    try {
      co_await ask(services, std::move(one));
    } catch (const Unavailable&) {
      slow = true;
    } catch (const RaisedInValidator& error) {
      log::warn("{}: its inputs stay as they were: {}", name, error.what());
    }
    if (slow) throw SlowClass{name};
  }
  co_return services.schemas.current();
}

asio::awaitable<void> refresh_schemas(Services& services) {
  const auto schemas = co_await services.schemas.wait();
  std::vector<std::string> classes;
  for (const auto& schema : schemas->all())
    if (is_of_pack(schema)) classes.push_back(schema.node_class());
  if (classes.empty() || services.workers.workers().empty()) co_return;
  try {
    co_await ask(services, std::move(classes));
  } catch (const std::exception& error) {
    log::warn("the inputs of packs' node classes stay as they were: {}", error.what());
  }
}

}  // namespace darkroom
