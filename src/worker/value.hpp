#pragma once
// What flows along the links of a graph: JSON-like scalars, tensors and other objects behind one small handle.
// Copying a Value copies a pointer. No torch header here: worker/tensors.hpp adds images, masks and latents.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

/// Something bigger than a scalar that a node made: a tensor, a latent, a model. Immutable once it is in a Value.
class Object {
 public:
  virtual ~Object() = default;
  /// What Python's str() would begin with; shown in `current_inputs` of an error and by PreviewAny.
  virtual std::string describe() const = 0;
  /// Bytes that this object keeps in memory, for the cache's budget. Shared storage counts each time.
  virtual std::size_t bytes() const = 0;
};

class Value;
using List = std::vector<Value>;

/// ExecutionBlocker (protocol.md §6.11): a node that gets one is not called. Without a message it blocks silently.
struct Blocker {
  std::optional<std::string> message;
};

class Value {
 public:
  // Written in value.cpp: every file of nodes would make them anew.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  Value() noexcept;  ///< None
  Value(bool v) : data_(v) {}
  Value(int v) : data_(std::int64_t{v}) {}
  Value(std::int64_t v) : data_(v) {}
  Value(std::uint64_t v) : data_(v) {}
  Value(double v) : data_(v) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(json::array v) : data_(std::make_shared<const json::value>(std::move(v))) {}
  Value(json::object v) : data_(std::make_shared<const json::value>(std::move(v))) {}
  Value(Blocker v) : data_(std::move(v)) {}
  Value(std::shared_ptr<const Object> v) : data_(std::move(v)) {}
  template <class T>
    requires std::is_base_of_v<Object, T>
  Value(std::shared_ptr<T> v) : data_(std::shared_ptr<const Object>(std::move(v))) {}
  /// A Python list of values: what a slot flagged `is_list` returns, and the argument of a growing input when it is a dict.
  static Value list(List items) { Value v; v.data_ = std::make_shared<const List>(std::move(items)); return v; }
  /// A Python dict of values (dynamic inputs): names in order.
  static Value dict(std::vector<std::pair<std::string, Value>> items);

  /// A JSON array or object that is shared, not copied: a whole prompt as a hidden input.
  static Value shared_json(std::shared_ptr<const json::value> value);

  /// A constant of a prompt. Scalars become scalars, arrays and objects stay JSON.
  static Value from_json(const json::value& value);
  /// Back to JSON; nothing when it holds an object, a blocker or a list with one.
  std::optional<json::value> to_json() const;

  bool is_none() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_) || std::holds_alternative<std::uint64_t>(data_); }
  bool is_float() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_int() || is_float() || is_bool(); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  const Blocker* blocker() const { return std::get_if<Blocker>(&data_); }
  const List* if_list() const;
  const std::vector<std::pair<std::string, Value>>* if_dict() const;
  const json::value* if_json() const;  ///< a JSON array or object
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }

  /// The object as T, or null. `value.object<TensorObject>()`.
  template <class T>
  std::shared_ptr<const T> object() const {
    const auto* object = std::get_if<std::shared_ptr<const Object>>(&data_);
    return object ? std::dynamic_pointer_cast<const T>(*object) : nullptr;
  }
  std::shared_ptr<const Object> object() const {
    const auto* object = std::get_if<std::shared_ptr<const Object>>(&data_);
    return object ? *object : nullptr;
  }

  std::int64_t as_int() const;    ///< of an int or bool; throws InvalidInput otherwise
  std::uint64_t as_uint() const;  ///< of a seed: any 64 bits
  double as_number() const;       ///< of a number or bool
  const std::string& as_string() const;

  std::string describe() const;      ///< Python's str()
  std::string type_name() const;     ///< Python's type name: int, str, Tensor, dict, NoneType
  std::size_t bytes() const;

 private:
  using Dict = std::vector<std::pair<std::string, Value>>;
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, std::shared_ptr<const json::value>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<const Object>, Blocker>
      data_;
};

}  // namespace darkroom
