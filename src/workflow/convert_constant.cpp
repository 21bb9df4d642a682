#include "workflow/convert_constant.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/text.hpp"

namespace darkroom {
namespace {

/// Takes out the underscores that Python allows between two digits. False where one stands elsewhere.
bool drop_underscores(std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') out += text[i];
    else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) return false;
  }
  text = std::move(out);
  return true;
}

[[noreturn]] void refuse_wide(const std::string& shown) { throw ConversionError("the integer " + shown + " does not fit 64 bits"); }

json::value int_of_text(const json::value& value) {
  const std::string_view given = value.get_string();
  std::string text(trim(given));
  const auto fail = [&] { return ConversionError("invalid literal for int() with base 10: " + python_repr(value)); };
  if (!drop_underscores(text)) throw fail();
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) throw fail();
  std::uint64_t magnitude = 0;
  const bool fits = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude).ec == std::errc{};
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (!fits || (negative && magnitude > kMost + 1)) refuse_wide(text.size() <= 80 ? text : "of " + std::to_string(digits.size()) + " digits");
  if (negative) return json::value(static_cast<std::int64_t>(0 - magnitude));
  return magnitude <= kMost ? json::value(static_cast<std::int64_t>(magnitude)) : json::value(magnitude);
}

json::value int_of_real(double value) {
  if (std::isnan(value)) throw ConversionError("cannot convert float NaN to integer");
  if (std::isinf(value)) throw ConversionError("cannot convert float infinity to integer");
  value = std::trunc(value);
  if (value >= -0x1p63 && value < 0x1p63) return json::value(static_cast<std::int64_t>(value));
  if (value >= 0 && value < 0x1p64) return json::value(static_cast<std::uint64_t>(value));
  refuse_wide(python_float(value));
}

json::value to_int(const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_: return json::value(static_cast<std::int64_t>(value.get_bool()));
    case json::kind::int64:
    case json::kind::uint64: return value;
    case json::kind::double_: return int_of_real(value.get_double());
    case json::kind::string: return int_of_text(value);
    default: throw ConversionError(std::string("int() argument must be a string, a bytes-like object or a real number, not '") + python_type(value) + "'");
  }
}

double real_of_text(const json::value& value) {
  std::string text(trim(std::string_view(value.get_string())));
  const auto fail = [&] { return ConversionError("could not convert string to float: " + python_repr(value)); };
  if (!drop_underscores(text) || text.empty()) throw fail();
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const std::string word = lower(rest);
  double result = 0;
  if (word == "inf" || word == "infinity") {
    result = std::numeric_limits<double>::infinity();
  } else if (word == "nan") {
    result = std::numeric_limits<double>::quiet_NaN();
  } else {
    // from_chars also reads "inf(…)" and a second sign, which Python does not.
    if (rest.empty() || rest.find_first_not_of("0123456789.eE+-") != rest.npos || rest[0] == '-' || rest[0] == '+') throw fail();
    const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), result);
    if (end.ptr != rest.data() + rest.size()) throw fail();
    if (end.ec == std::errc::result_out_of_range) {
      const auto e = rest.find_first_of("eE");
      const bool tiny = e != rest.npos && rest.substr(e + 1).starts_with('-');
      result = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    } else if (end.ec != std::errc{}) {
      throw fail();
    }
  }
  return negative ? -result : result;
}

json::value to_float(const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_: return json::value(value.get_bool() ? 1.0 : 0.0);
    case json::kind::int64:
    case json::kind::uint64: return json::value(value.to_number<double>());
    case json::kind::double_: return value;
    case json::kind::string: return json::value(real_of_text(value));
    default: throw ConversionError(std::string("float() argument must be a string or a real number, not '") + python_type(value) + "'");
  }
}

}  // namespace

const char* python_type(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "NoneType";
    case json::kind::bool_: return "bool";
    case json::kind::int64:
    case json::kind::uint64: return "int";
    case json::kind::double_: return "float";
    case json::kind::string: return "str";
    case json::kind::array: return "list";
    case json::kind::object: return "dict";
  }
  return "object";
}

json::value convert_constant(std::string_view type, const json::value& value) {
  if (type == "INT") return to_int(value);
  if (type == "FLOAT") return to_float(value);
  if (type == "STRING") return value.is_string() ? value : json::value(python_str(value));
  if (type == "BOOLEAN") return json::value(truthy(value));
  return value;
}

bool is_finite_json(const json::value& value) { return !value.is_double() || std::isfinite(value.get_double()); }

}  // namespace darkroom
