#include "workflow/types_meet.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace darkroom {
namespace {

bool is_numeric(const json::value& value) { return value.is_number() || value.is_bool(); }

bool equal_numbers(const json::value& a, const json::value& b) {
  const auto real = [](const json::value& value) -> long double {  // 64 bits of mantissa: exact for every JSON integer
    if (value.is_bool()) return value.get_bool();
    if (value.is_int64()) return value.get_int64();
    if (value.is_uint64()) return value.get_uint64();
    return value.get_double();
  };
  return real(a) == real(b);
}

/// The parts of "INT, FLOAT", blanks off. Views into `types`.
std::vector<std::string_view> parts(std::string_view types) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = types.find(',');
    out.push_back(trim(types.substr(0, comma)));
    if (comma == types.npos) return out;
    types.remove_prefix(comma + 1);
  }
}

}  // namespace

bool python_equal(const json::value& a, const json::value& b) {
  if (is_numeric(a) && is_numeric(b)) return equal_numbers(a, b);
  if (a.kind() != b.kind()) return false;
  if (const auto* list = a.if_array())
    return std::equal(list->begin(), list->end(), b.get_array().begin(), b.get_array().end(), python_equal);
  if (const auto* object = a.if_object()) {
    const auto& other = b.get_object();
    return object->size() == other.size() && std::all_of(object->begin(), object->end(), [&](const auto& item) {
             const auto* value = other.if_contains(item.key());
             return value && python_equal(item.value(), *value);
           });
  }
  return a == b;
}

bool types_meet(const json::value& received, const json::value& wanted) {
  const auto* from = received.if_string();
  const auto* to = wanted.if_string();
  if (from && to && *from == *to) return true;  // the common case, before anything is split
  const auto is = [](const json::string* type, std::string_view name) { return type && std::string_view(*type) == name; };
  if (is(from, "*") || is(to, "*") || is(from, "COMFY_MATCHTYPE_V3") || is(to, "COMFY_MATCHTYPE_V3")) return true;
  if (!from && !to) return python_equal(received, wanted);
  if (!from) return is(to, "COMBO");
  if (!to) return false;
  const auto offered = parts(*from);
  const auto accepted = parts(*to);
  return std::any_of(offered.begin(), offered.end(), [&](std::string_view type) {
    return type == "*" || std::find(accepted.begin(), accepted.end(), type) != accepted.end() ||
           std::find(accepted.begin(), accepted.end(), "*") != accepted.end();
  });
}

}  // namespace darkroom
