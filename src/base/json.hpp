#pragma once
// JSON for everybody: parsing within limits, and the two ways of writing it. Boost.JSON keeps the order of keys.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

namespace json = boost::json;

/// Limits of one parse. Depth counts nested arrays and objects.
struct JsonLimits {
  /// Limit: a JSON text, bytes. Beyond: it is refused. Fixed: readers of larger ones say so; bodies of requests have the limit of
  /// --max-upload-size. Edge: ParseJson.LimitsAtTheEdge.
  std::size_t max_bytes = 100u << 20;
  /// Limit: arrays and objects of a JSON text inside each other. Beyond: it is refused. Fixed: workflows have under ten. Edge:
  /// ParseJson.LimitsAtTheEdge.
  std::size_t max_depth = 256;
  bool round_wide_integers = false;  ///< an integer beyond 64 bits becomes a double instead of a refusal: for descriptions, not for values
};

/// Parses one strict JSON text. Throws InvalidInput with the position of the fault, TooLarge past a limit.
/// `NaN` and integers beyond 64 bits are refused.
json::value parse_json(std::string_view text, const JsonLimits& limits = {});

/// Compact UTF-8 JSON as it goes over HTTP and WebSocket. Numbers that are not finite become null;
/// doubles always carry a fraction or an exponent (1.0 stays `1.0`), so that integers stay integers for readers.
std::string dump(const json::value& value);
void dump_to(std::string& out, const json::value& value);
void dump_to(std::string& out, const json::object& value);

/// The form of Python's json.dumps: ASCII-escaped, `", "` and `": "`. Used in PNG texts, that other programs read.
std::string dump_python(const json::value& value);

/// The text form that Python's str()/repr() give a JSON value: None, True, 'text', [1, 'a'], {'a': 1}.
/// `repr` puts a text in quotes at the top level.
std::string python_str(const json::value& value);
std::string python_repr(const json::value& value);
/// repr() of a double: shortest round trip, `1.0`, `1e-05`, `nan`, `inf`.
std::string python_float(double value);

// Lenient look-ups: null pointer or nothing when the key is absent or of another kind.
const json::value* find(const json::object& object, std::string_view key);
const json::object* find_object(const json::object& object, std::string_view key);
const json::array* find_array(const json::object& object, std::string_view key);
std::optional<std::string> find_string(const json::object& object, std::string_view key);
std::string string_or(const json::object& object, std::string_view key, std::string_view fallback);
std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t fallback);
double number_or(const json::object& object, std::string_view key, double fallback);
bool bool_or(const json::object& object, std::string_view key, bool fallback);

/// Truth as Python has it: null, false, 0, "", [] and {} are false.
bool truthy(const json::value& value);

}  // namespace darkroom
