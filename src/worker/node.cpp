#include "worker/node.hpp"

#include <algorithm>
#include <iterator>

namespace darkroom {
namespace {

/// Types of values that are networks.
constexpr std::string_view kNetworks[] = {"MODEL", "CLIP", "VAE", "CONTROL_NET", "CLIP_VISION", "STYLE_MODEL", "GLIGEN", "UPSCALE_MODEL"};

template <class Get>
auto named(std::string_view name, const Value& value, Get get) -> decltype(get(value)) {
  try {
    return get(value);
  } catch (const InvalidInput& error) {
    throw InvalidInput(std::string(name) + ": " + error.what());
  }
}

}  // namespace

const Value* Inputs::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return &value;
  return nullptr;
}

const Value& Inputs::at(std::string_view name) const {
  if (const Value* value = find(name)) return *value;
  throw NamedError("TypeError", "missing 1 required argument: '" + std::string(name) + "'");
}

std::int64_t Inputs::integer(std::string_view name) const {
  return named(name, at(name), [](const Value& v) { return v.as_int(); });
}
std::int64_t Inputs::integer_or(std::string_view name, std::int64_t fallback) const { return given(name) ? integer(name) : fallback; }
std::uint64_t Inputs::seed(std::string_view name) const {
  return named(name, at(name), [](const Value& v) { return v.as_uint(); });
}
double Inputs::number(std::string_view name) const {
  return named(name, at(name), [](const Value& v) { return v.as_number(); });
}
double Inputs::number_or(std::string_view name, double fallback) const { return given(name) ? number(name) : fallback; }

bool Inputs::boolean(std::string_view name) const {
  const Value& value = at(name);
  if (value.is_none()) return false;
  if (value.is_number()) return value.as_number() != 0;
  if (const auto* text = value.if_string()) return !text->empty();
  return true;
}
bool Inputs::boolean_or(std::string_view name, bool fallback) const { return has(name) ? boolean(name) : fallback; }

const std::string& Inputs::text(std::string_view name) const {
  return named(name, at(name), [](const Value& v) -> const std::string& { return v.as_string(); });
}
std::string Inputs::text_or(std::string_view name, std::string_view fallback) const {
  return given(name) ? text(name) : std::string(fallback);
}

const List& Inputs::list(std::string_view name) const {
  if (const List* list = at(name).if_list()) return *list;
  throw InvalidInput(std::string(name) + ": expected a list, got " + at(name).type_name());
}

Outputs::Outputs() = default;
Outputs::Outputs(std::initializer_list<Value> slots) : values(slots) {}
Outputs::Outputs(std::vector<Value> slots) : values(std::move(slots)) {}
Outputs::Outputs(const Outputs&) = default;
Outputs::Outputs(Outputs&&) noexcept = default;
Outputs& Outputs::operator=(const Outputs&) = default;
Outputs& Outputs::operator=(Outputs&&) noexcept = default;
Outputs::~Outputs() = default;

Outputs& Outputs::show(std::string key, json::array list) {
  if (!ui) ui.emplace();
  (*ui)[key] = std::move(list);
  return *this;
}

NodeClass::NodeClass() = default;
NodeClass::NodeClass(const NodeClass&) = default;
NodeClass::NodeClass(NodeClass&&) noexcept = default;
NodeClass& NodeClass::operator=(const NodeClass&) = default;
NodeClass& NodeClass::operator=(NodeClass&&) noexcept = default;
NodeClass::~NodeClass() = default;

void Registry::add(NodeClass entry) {
  entry.makes_network = std::ranges::any_of(entry.schema.outputs(), [](const auto& output) { return std::ranges::find(kNetworks, output.type) != std::end(kNetworks); });
  auto added = std::make_shared<const NodeClass>(std::move(entry));
  const std::scoped_lock lock(mutex_);
  const auto [at, is_new] = index_.try_emplace(added->schema.node_class(), order_.size());
  if (is_new) order_.push_back(std::move(added));
  else order_[at->second] = std::move(added);
}

void Registry::change(const NodeSchema& schema) {
  const auto known = find(schema.node_class());
  if (!known) return;
  NodeClass changed = *known;
  changed.schema = schema;
  add(std::move(changed));
}

NodeClassPtr Registry::find(std::string_view node_class) const {
  const std::scoped_lock lock(mutex_);
  const auto at = index_.find(std::string(node_class));
  return at == index_.end() ? nullptr : order_[at->second];
}

SchemaSet Registry::schemas() const {
  const std::scoped_lock lock(mutex_);
  SchemaSet set;
  for (const auto& entry : order_) set.add(entry->schema);
  return set;
}

}  // namespace darkroom
