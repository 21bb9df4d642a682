#include "tensor/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

/// Limit: values in the pickles of a weights file. Beyond: the file is refused. Fixed: a checkpoint of 1,000 tensors has some 20,000. Edge:
/// Pickle.ValuesHaveALimit.
constexpr std::size_t kMaxValues = 4'000'000;
/// Limit: operations in the pickles of a weights file. Beyond: the file is refused. Fixed: a checkpoint of 1,000 tensors has some 100,000.
/// Edge: Pickle.StepsHaveALimit.
constexpr std::size_t kMaxSteps = 32'000'000;

constexpr std::array<std::string_view, 4> kFunctions = {"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
                                                        "torch._utils._rebuild_parameter", "collections.OrderedDict"};

struct StorageClass {
  std::string_view name;
  c10::ScalarType dtype;
};
constexpr std::array kStorages = {
    StorageClass{"FloatStorage", c10::ScalarType::Float}, StorageClass{"HalfStorage", c10::ScalarType::Half},
    StorageClass{"BFloat16Storage", c10::ScalarType::BFloat16}, StorageClass{"DoubleStorage", c10::ScalarType::Double},
    StorageClass{"LongStorage", c10::ScalarType::Long}, StorageClass{"IntStorage", c10::ScalarType::Int},
    StorageClass{"ShortStorage", c10::ScalarType::Short}, StorageClass{"CharStorage", c10::ScalarType::Char},
    StorageClass{"ByteStorage", c10::ScalarType::Byte}, StorageClass{"BoolStorage", c10::ScalarType::Bool},
};

std::optional<c10::ScalarType> storage_dtype(std::string_view qualified) {
  if (!qualified.starts_with("torch.")) return std::nullopt;
  for (const auto& entry : kStorages)
    if (entry.name == qualified.substr(6)) return entry.dtype;
  return std::nullopt;
}

/// A name out of a hostile file, fit for an error text.
std::string shown(std::string_view name) {
  std::string text(name.substr(0, 120));
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = '?';
  return text;
}

}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)
    if (items[i - 2]->kind == Kind::kText && items[i - 2]->text == key) return items[i - 1];
  return nullptr;
}

void Unpickler::fault(const std::string& what) const { throw InvalidInput("pickle: " + what + " (byte " + std::to_string(position_) + ")"); }

std::string_view Unpickler::take(std::size_t count) {
  if (count > bytes_.size() - position_) fault("cut short");
  const auto result = bytes_.substr(position_, count);
  position_ += count;
  return result;
}

std::string_view Unpickler::line() {
  const auto end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) fault("cut short");
  const auto result = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return result;
}

template <class T>
T Unpickler::read() {
  T value;
  std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
  return value;
}

PickleValue& Unpickler::make(Kind kind) {
  if (arena_.size() >= kMaxValues) throw TooLarge("pickle: more than " + std::to_string(kMaxValues) + " values");
  auto& value = arena_.emplace_back();
  value.kind = kind;
  return value;
}

PickleValue& Unpickler::push_new(Kind kind) {
  auto& value = make(kind);
  push(&value);
  return value;
}

void Unpickler::push_text(std::string_view text) {
  if (!is_valid_utf8(text)) fault("a text that isn't UTF-8");
  push_new(Kind::kText).text = text;
}

void Unpickler::push_long(std::string_view digits) {
  if (digits.size() > 8) {
    push_new(Kind::kBigInt).text = digits;
    return;
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, digits.data(), digits.size());
  if (!digits.empty() && digits.size() < 8 && (digits.back() & 0x80)) bits |= ~std::uint64_t{0} << (8 * digits.size());
  push_new(Kind::kInt).integer = static_cast<std::int64_t>(bits);
}

void Unpickler::push_class(std::string module, std::string_view name) {
  std::string qualified = std::move(module) + "." + std::string(name);
  if (std::find(kFunctions.begin(), kFunctions.end(), qualified) == kFunctions.end() && !storage_dtype(qualified))
    throw InvalidInput("it asks for " + shown(qualified) + ", which is no tensor: refused");
  push_new(Kind::kClass).text = std::move(qualified);
}

const PickleValue* Unpickler::pop() {
  if (stack_.empty() || !stack_.back()) fault("nothing on the stack");
  const auto* value = stack_.back();
  stack_.pop_back();
  return value;
}

PickleValue& Unpickler::top() {
  if (stack_.empty() || !stack_.back()) fault("nothing on the stack");
  return const_cast<PickleValue&>(*stack_.back());  // all values are this machine's own
}

std::vector<const PickleValue*> Unpickler::pop_to_mark() {
  const auto mark = std::find(stack_.rbegin(), stack_.rend(), nullptr);
  if (mark == stack_.rend()) fault("no mark");
  std::vector<const PickleValue*> items(mark.base(), stack_.end());
  stack_.erase(mark.base() - 1, stack_.end());
  return items;
}

void Unpickler::push_tuple(std::size_t count) {
  std::vector<const PickleValue*> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push_new(Kind::kTuple).items = std::move(items);
}

void Unpickler::append(PickleValue& list, std::vector<const PickleValue*> items) {
  if (list.kind != Kind::kList) fault("an append to something that isn't a list");
  list.items.insert(list.items.end(), items.begin(), items.end());
}

void Unpickler::set_items(PickleValue& dict, std::vector<const PickleValue*> items) {
  if (dict.kind != Kind::kDict || items.size() % 2) fault("items for something that isn't a dict");
  dict.items.insert(dict.items.end(), items.begin(), items.end());
}

void Unpickler::memoize(std::uint32_t index) { memo_[index] = &top(); }

void Unpickler::recall(std::uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fault("an unknown memo");
  push(found->second);
}

void Unpickler::reduce() {
  const auto* arguments = pop();
  const auto* callable = pop();
  if (callable->kind != Kind::kClass || arguments->kind != Kind::kTuple) fault("a call of something that isn't a function");
  const auto& args = arguments->items;
  const std::string_view name = callable->text;
  if (name == "collections.OrderedDict") {
    auto& dict = push_new(Kind::kDict);
    if (args.empty()) return;
    if (args.size() != 1 || args[0]->kind != Kind::kList) fault("an OrderedDict that isn't made of pairs");
    for (const auto* pair : args[0]->items) {
      if ((pair->kind != Kind::kTuple && pair->kind != Kind::kList) || pair->items.size() != 2) fault("an OrderedDict that isn't made of pairs");
      set_items(dict, pair->items);
    }
  } else if (name == "torch._utils._rebuild_parameter") {
    if (args.empty() || args[0]->kind != Kind::kTensor) fault("a Parameter without a tensor");
    push(args[0]);
  } else if (name.starts_with("torch._utils._rebuild_tensor")) {
    if (args.size() < 4 || args[0]->kind != Kind::kStorage || args[1]->kind != Kind::kInt) fault("a tensor without storage, offset, size or stride");
    auto spec = std::make_unique<TensorSpec>();
    spec->storage = args[0]->tensor->storage;
    spec->offset = args[1]->integer;
    const auto numbers = [this](const PickleValue& value) {
      std::vector<std::int64_t> result;
      if (value.kind != Kind::kTuple && value.kind != Kind::kList) fault("a size that isn't a tuple");
      for (const auto* item : value.items) {
        if (item->kind != Kind::kInt) fault("a size that isn't an integer");
        result.push_back(item->integer);
      }
      return result;
    };
    spec->sizes = numbers(*args[2]);
    spec->strides = numbers(*args[3]);
    if (spec->sizes.size() != spec->strides.size() || spec->sizes.size() > 64) fault("a tensor whose size and stride don't match");
    push_new(Kind::kTensor).tensor = std::move(spec);
  } else {
    fault("a call of " + shown(name));
  }
}

/// Attributes of an object. Only a state dict has some (`_metadata`: versions of modules), and nobody needs them.
void Unpickler::build() {
  pop();
  if (top().kind != Kind::kDict) fault("attributes for something that isn't a dict");
}

void Unpickler::persistent() {
  const auto* id = pop();
  const auto& part = id->items;
  if (id->kind != Kind::kTuple || part.size() < 5 || part[0]->kind != Kind::kText || part[0]->text != "storage" || part[1]->kind != Kind::kClass ||
      part[2]->kind != Kind::kText || part[4]->kind != Kind::kInt || part[4]->integer < 0)
    fault("a persistent id that isn't a storage");
  const auto dtype = storage_dtype(part[1]->text);
  if (!dtype) fault("a storage of class " + shown(part[1]->text));
  StorageSpec spec{*dtype, part[2]->text, part[4]->integer, 0};
  // The element count of the root is what the legacy file repeats before the data; a view only names a part of it.
  const auto [known, fresh] = storages_.emplace(spec.key, spec);
  if (!fresh && known->second.dtype != spec.dtype) fault("storage " + shown(spec.key) + " has two types");
  if (part.size() > 5 && part[5]->kind != Kind::kNone) {
    const auto& view = part[5]->items;  // (key, offset, size)
    if (part[5]->kind != Kind::kTuple || view.size() != 3 || view[1]->kind != Kind::kInt || view[2]->kind != Kind::kInt || view[1]->integer < 0 ||
        view[2]->integer < 0 || view[2]->integer > spec.numel || view[1]->integer > spec.numel - view[2]->integer)
      fault("a storage's view lies outside it");
    spec.offset = view[1]->integer;
    spec.numel = view[2]->integer;
  }
  auto& value = push_new(Kind::kStorage);
  value.tensor = std::make_unique<TensorSpec>();
  value.tensor->storage = std::move(spec);
}

/// Executes one opcode; false at STOP.
bool Unpickler::step() {
  if (++steps_ > kMaxSteps) throw TooLarge("pickle: more than " + std::to_string(kMaxSteps) + " steps");
  const auto op = static_cast<unsigned char>(take(1)[0]);
  switch (op) {
    case 0x80: take(1); break;                                  // PROTO
    case 0x95: take(8); break;                                  // FRAME
    case '.': return false;                                     // STOP
    case '(': push(nullptr); break;                             // MARK
    case '0': pop(); break;                                     // POP
    case '1': pop_to_mark(); break;                             // POP_MARK
    case '2': push(&top()); break;                              // DUP
    case 'N': push_new(Kind::kNone); break;                     // NONE
    case 0x88: push_new(Kind::kBool).integer = 1; break;        // NEWTRUE
    case 0x89: push_new(Kind::kBool); break;                    // NEWFALSE
    case 'J': push_new(Kind::kInt).integer = read<std::int32_t>(); break;    // BININT
    case 'K': push_new(Kind::kInt).integer = read<std::uint8_t>(); break;    // BININT1
    case 'M': push_new(Kind::kInt).integer = read<std::uint16_t>(); break;   // BININT2
    case 0x8a: push_long(take(read<std::uint8_t>())); break;    // LONG1
    case 0x8b: push_long(take(read<std::uint32_t>())); break;   // LONG4
    case 'G': push_new(Kind::kFloat).number = std::bit_cast<double>(__builtin_bswap64(read<std::uint64_t>())); break;  // BINFLOAT
    case 'U': case 0x8c: push_text(take(read<std::uint8_t>())); break;       // SHORT_BINSTRING, SHORT_BINUNICODE
    case 'T': case 'X': push_text(take(read<std::uint32_t>())); break;       // BINSTRING, BINUNICODE
    case 0x8d: push_text(take(read<std::uint64_t>())); break;   // BINUNICODE8
    case ']': push_new(Kind::kList); break;                     // EMPTY_LIST
    case '}': push_new(Kind::kDict); break;                     // EMPTY_DICT
    case ')': push_new(Kind::kTuple); break;                    // EMPTY_TUPLE
    case 't': { auto items = pop_to_mark(); push_new(Kind::kTuple).items = std::move(items); break; }          // TUPLE
    case 'l': { auto items = pop_to_mark(); push_new(Kind::kList).items = std::move(items); break; }           // LIST
    case 'd': { auto items = pop_to_mark(); set_items(push_new(Kind::kDict), std::move(items)); break; }       // DICT
    case 0x85: push_tuple(1); break;                            // TUPLE1
    case 0x86: push_tuple(2); break;                            // TUPLE2
    case 0x87: push_tuple(3); break;                            // TUPLE3
    case 'a': { const auto* item = pop(); append(top(), {item}); break; }                                      // APPEND
    case 'e': { auto items = pop_to_mark(); append(top(), std::move(items)); break; }                          // APPENDS
    case 's': { const auto* value = pop(); const auto* key = pop(); set_items(top(), {key, value}); break; }   // SETITEM
    case 'u': { auto items = pop_to_mark(); set_items(top(), std::move(items)); break; }                       // SETITEMS
    case 'c': { std::string module(line()); push_class(std::move(module), line()); break; }                    // GLOBAL
    case 0x93: {                                                                                               // STACK_GLOBAL
      const auto* name = pop();
      const auto* module = pop();
      if (name->kind != Kind::kText || module->kind != Kind::kText) fault("a class without a name");
      push_class(module->text, name->text);
      break;
    }
    case 'R': case 0x81: reduce(); break;                       // REDUCE, NEWOBJ
    case 'b': build(); break;                                   // BUILD
    case 'Q': persistent(); break;                              // BINPERSID
    case 'q': memoize(read<std::uint8_t>()); break;             // BINPUT
    case 'r': memoize(read<std::uint32_t>()); break;            // LONG_BINPUT
    case 0x94: memoize(static_cast<std::uint32_t>(memo_.size())); break;     // MEMOIZE
    case 'h': recall(read<std::uint8_t>()); break;              // BINGET
    case 'j': recall(read<std::uint32_t>()); break;             // LONG_BINGET
    case 'i': { std::string module(line()); push_class(std::move(module), line()); fault("an instance made without a call"); }  // INST
    default: fault("unsupported opcode " + std::to_string(op));
  }
  return true;
}

const PickleValue& Unpickler::load() {
  stack_.clear();
  memo_.clear();
  while (step()) {}
  const auto* result = pop();
  if (!stack_.empty()) fault("values left on the stack");
  return *result;
}

}  // namespace darkroom
