#include "worker/value.hpp"

#include <cmath>

#include "base/error.hpp"

namespace darkroom {

Value::Value() noexcept = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::dict(std::vector<std::pair<std::string, Value>> items) {
  Value v;
  v.data_ = std::make_shared<const Dict>(std::move(items));
  return v;
}

Value Value::shared_json(std::shared_ptr<const json::value> value) {
  if (!value->is_structured()) return from_json(*value);
  Value v;
  v.data_ = std::move(value);
  return v;
}

Value Value::from_json(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return {};
    case json::kind::bool_: return value.get_bool();
    case json::kind::int64: return value.get_int64();
    case json::kind::uint64: return value.get_uint64();
    case json::kind::double_: return value.get_double();
    case json::kind::string: return std::string(value.get_string());
    case json::kind::array: return value.get_array();
    case json::kind::object: return value.get_object();
  }
  return {};
}

std::optional<json::value> Value::to_json() const {
  if (is_none()) return json::value(nullptr);
  if (const auto* v = std::get_if<bool>(&data_)) return json::value(*v);
  if (const auto* v = std::get_if<std::int64_t>(&data_)) return json::value(*v);
  if (const auto* v = std::get_if<std::uint64_t>(&data_)) return json::value(*v);
  if (const auto* v = std::get_if<double>(&data_)) return json::value(*v);
  if (const auto* v = std::get_if<std::string>(&data_)) return json::value(*v);
  if (const auto* v = if_json()) return *v;
  if (const auto* items = if_list()) {
    json::array out;
    for (const auto& item : *items) {
      auto value = item.to_json();
      if (!value) return {};
      out.push_back(std::move(*value));
    }
    return json::value(std::move(out));
  }
  if (const auto* items = if_dict()) {
    json::object out;
    for (const auto& [key, item] : *items) {
      auto value = item.to_json();
      if (!value) return {};
      out[key] = std::move(*value);
    }
    return json::value(std::move(out));
  }
  return {};
}

const List* Value::if_list() const {
  const auto* p = std::get_if<std::shared_ptr<const List>>(&data_);
  return p ? p->get() : nullptr;
}

const std::vector<std::pair<std::string, Value>>* Value::if_dict() const {
  const auto* p = std::get_if<std::shared_ptr<const Dict>>(&data_);
  return p ? p->get() : nullptr;
}

const json::value* Value::if_json() const {
  const auto* p = std::get_if<std::shared_ptr<const json::value>>(&data_);
  return p ? p->get() : nullptr;
}

std::int64_t Value::as_int() const {
  if (const auto* v = std::get_if<std::int64_t>(&data_)) return *v;
  if (const auto* v = std::get_if<std::uint64_t>(&data_)) {
    if (*v <= static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::int64_t>(*v);
    throw InvalidInput("the integer " + std::to_string(*v) + " is too large");
  }
  if (const auto* v = std::get_if<bool>(&data_)) return *v ? 1 : 0;
  if (const auto* v = std::get_if<double>(&data_); v && std::floor(*v) == *v && std::abs(*v) < 9e15) return static_cast<std::int64_t>(*v);
  throw InvalidInput("expected an integer, got " + type_name());
}

std::uint64_t Value::as_uint() const {
  if (const auto* v = std::get_if<std::uint64_t>(&data_)) return *v;
  return static_cast<std::uint64_t>(as_int());
}

double Value::as_number() const {
  if (const auto* v = std::get_if<double>(&data_)) return *v;
  if (const auto* v = std::get_if<std::uint64_t>(&data_)) return static_cast<double>(*v);
  if (is_int() || is_bool()) return static_cast<double>(as_int());
  throw InvalidInput("expected a number, got " + type_name());
}

const std::string& Value::as_string() const {
  if (const auto* v = std::get_if<std::string>(&data_)) return *v;
  throw InvalidInput("expected a text, got " + type_name());
}

std::string Value::describe() const {
  if (const auto value = to_json()) return python_str(*value);
  if (const auto o = object()) return o->describe();
  if (const auto* items = if_list()) {
    std::string out = "[";
    for (std::size_t i = 0; i < items->size(); ++i) out += (i ? ", " : "") + (*items)[i].describe();
    return out + "]";
  }
  if (const auto* items = if_dict()) {
    std::string out = "{";
    for (std::size_t i = 0; i < items->size(); ++i) out += (i ? ", '" : "'") + (*items)[i].first + "': " + (*items)[i].second.describe();
    return out + "}";
  }
  return "ExecutionBlocker";
}

std::string Value::type_name() const {
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (is_string()) return "str";
  if (if_list()) return "list";
  if (if_dict()) return "dict";
  if (const auto* v = if_json()) return v->is_array() ? "list" : "dict";
  if (blocker()) return "ExecutionBlocker";
  const std::string text = object()->describe();
  return text.substr(0, text.find('('));
}

std::size_t Value::bytes() const {
  if (const auto o = object()) return o->bytes();
  std::size_t sum = sizeof(Value);
  if (const auto* s = if_string()) sum += s->size();
  if (const auto* items = if_list())
    for (const auto& item : *items) sum += item.bytes();
  if (const auto* items = if_dict())
    for (const auto& [key, item] : *items) sum += key.size() + item.bytes();
  return sum;
}

}  // namespace darkroom
