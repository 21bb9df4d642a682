#pragma once
// A pickle machine that can build nothing but numbers, texts, containers and descriptions of tensors. It calls no function
// and knows four names of functions and the storage types; a pickle that names anything else is refused by that name.
// Source: Python's pickletools documentation of the opcodes, torch's notes on serialization.

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace darkroom {

/// Where a tensor's numbers lie: ('storage', class, key, location, count).
struct StorageSpec {
  c10::ScalarType dtype{};
  std::string key;
  std::int64_t numel = 0;
  std::int64_t offset = 0;  ///< in elements: a legacy storage that is a view of another
};

/// A strided view of a storage. All in elements.
struct TensorSpec {
  StorageSpec storage;
  std::int64_t offset = 0;
  std::vector<std::int64_t> sizes, strides;
};

struct PickleValue {
  enum class Kind { kNone, kBool, kInt, kBigInt, kFloat, kText, kTuple, kList, kDict, kClass, kStorage, kTensor };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;                 ///< kInt, kBool
  double number = 0;                        ///< kFloat
  std::string text;                         ///< kText; kBigInt: little-endian two's complement; kClass: "module.name"
  std::vector<const PickleValue*> items;    ///< kTuple, kList; kDict: key, value, key, value, ...
  std::unique_ptr<TensorSpec> tensor;       ///< kTensor; kStorage uses its `storage`

  /// The value of a text key of a dict, the last one set; null if there is none.
  const PickleValue* find(std::string_view key) const;
};

/// Runs pickles one after another. Owns all values, so that neither depth nor cycles matter when they are freed.
class Unpickler {
 public:
  explicit Unpickler(std::string_view bytes) : bytes_(bytes) {}
  /// The next object. Throws InvalidInput.
  const PickleValue& load();
  std::size_t position() const { return position_; }
  /// All storages that the pickles so far named, by key.
  const std::unordered_map<std::string, StorageSpec>& storages() const { return storages_; }

 private:
  using Kind = PickleValue::Kind;
  [[noreturn]] void fault(const std::string& what) const;
  std::string_view take(std::size_t count);
  std::string_view line();
  template <class T>
  T read();

  PickleValue& make(Kind kind);
  void push(const PickleValue* value) { stack_.push_back(value); }
  PickleValue& push_new(Kind kind);
  void push_text(std::string_view text);
  void push_long(std::string_view digits);
  void push_class(std::string module, std::string_view name);
  const PickleValue* pop();
  PickleValue& top();
  std::vector<const PickleValue*> pop_to_mark();
  void push_tuple(std::size_t count);
  void append(PickleValue& list, std::vector<const PickleValue*> items);
  void set_items(PickleValue& dict, std::vector<const PickleValue*> items);
  void memoize(std::uint32_t index);
  void recall(std::uint32_t index);
  void reduce();
  void build();
  void persistent();
  bool step();

  std::string_view bytes_;
  std::size_t position_ = 0;
  std::size_t steps_ = 0;
  std::deque<PickleValue> arena_;
  std::vector<const PickleValue*> stack_;  ///< null: a mark
  std::unordered_map<std::uint32_t, const PickleValue*> memo_;
  std::unordered_map<std::string, StorageSpec> storages_;
};

}  // namespace darkroom
