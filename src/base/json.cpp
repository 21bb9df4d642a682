#include "base/json.hpp"

#include <fmt/format.h>

#include <boost/json/stream_parser.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// Boost.JSON turns an integer beyond 64 bits into a double without a word: a seed would silently change.
/// Looks for an integer literal of more than 18 digits outside texts and lets the exact range decide.
void refuse_wide_integers(std::string_view text) {
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      else if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') { in_text = true; continue; }
    if (c != '-' && (c < '0' || c > '9')) continue;
    std::size_t end = i + 1;
    bool integer = true;
    while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) || std::strchr("+-.eE", text[end]))) {
      if (std::strchr(".eE", text[end])) integer = false;
      ++end;
    }
    const std::string_view number = text.substr(i, end - i);
    if (integer && number.size() > 18) {
      std::int64_t as_signed;
      std::uint64_t as_unsigned;
      const char* last = number.data() + number.size();
      if (std::from_chars(number.data(), last, as_signed).ec != std::errc{} &&
          std::from_chars(number.data(), last, as_unsigned).ec != std::errc{})
        throw InvalidInput(fmt::format("JSON: the integer {} does not fit 64 bits", number.substr(0, 80)));
    }
    i = end - 1;
  }
}

/// Stands for itself in JSON; what is not ASCII does so too where texts may be UTF-8.
bool is_plain(unsigned char c, bool ascii) { return c >= 0x20 && c != '"' && c != '\\' && (c <= 0x7f || !ascii); }

void append_escaped(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    std::size_t plain = i;
    while (plain < text.size() && is_plain(static_cast<unsigned char>(text[plain]), ascii)) ++plain;
    out += text.substr(i, plain - i);
    if ((i = plain) == text.size()) break;
    const unsigned char c = text[i];
    switch (c) {
      case '"': out += "\\\""; ++i; continue;
      case '\\': out += "\\\\"; ++i; continue;
      case '\b': out += "\\b"; ++i; continue;
      case '\f': out += "\\f"; ++i; continue;
      case '\n': out += "\\n"; ++i; continue;
      case '\r': out += "\\r"; ++i; continue;
      case '\t': out += "\\t"; ++i; continue;
      default: break;
    }
    if (c < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
      ++i;
    } else {
      const int length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
      std::uint32_t point = c & (0xff >> (length + 1));
      for (int k = 1; k < length && i + k < text.size(); ++k) point = point << 6 | (text[i + k] & 0x3f);
      if (point >= 0x10000) {
        point -= 0x10000;
        fmt::format_to(std::back_inserter(out), "\\u{:04x}\\u{:04x}", 0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
      } else {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", point);
      }
      i += length;
    }
  }
  out += '"';
}

/// One writer for the compact and the Python form.
class Writer {
 public:
  Writer(std::string& out, bool python) : out_(out), python_(python) {}

  void write(const json::value& value) {
    switch (value.kind()) {
      case json::kind::null: out_ += "null"; return;
      case json::kind::bool_: out_ += value.get_bool() ? "true" : "false"; return;
      case json::kind::int64: integer(value.get_int64()); return;
      case json::kind::uint64: integer(value.get_uint64()); return;
      case json::kind::double_:
        if (std::isfinite(value.get_double())) out_ += python_float(value.get_double());
        else out_ += "null";
        return;
      case json::kind::string: append_escaped(out_, value.get_string(), python_); return;
      case json::kind::array: {
        out_ += '[';
        bool first = true;
        for (const auto& item : value.get_array()) {
          if (!first) separator();
          first = false;
          write(item);
        }
        out_ += ']';
        return;
      }
      case json::kind::object: write(value.get_object()); return;
    }
  }

  void write(const json::object& object) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, item] : object) {
      if (!first) separator();
      first = false;
      append_escaped(out_, key, python_);
      out_ += python_ ? ": " : ":";
      write(item);
    }
    out_ += '}';
  }

 private:
  void separator() { out_ += python_ ? ", " : ","; }

  template <class Integer>
  void integer(Integer value) {
    char buffer[24];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    out_.append(buffer, result.ptr);
  }

  std::string& out_;
  bool python_;
};

void append_python_text(std::string& out, std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  out += quote;
  for (const char c : text) {
    if (c == quote || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(c));
    else out += c;
  }
  out += quote;
}

void append_repr(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out += "None"; return;
    case json::kind::bool_: out += value.get_bool() ? "True" : "False"; return;
    case json::kind::int64: out += std::to_string(value.get_int64()); return;
    case json::kind::uint64: out += std::to_string(value.get_uint64()); return;
    case json::kind::double_: out += python_float(value.get_double()); return;
    case json::kind::string: append_python_text(out, value.get_string()); return;
    case json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& item : value.get_array()) {
        if (!first) out += ", ";
        first = false;
        append_repr(out, item);
      }
      out += ']';
      return;
    }
    case json::kind::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, item] : value.get_object()) {
        if (!first) out += ", ";
        first = false;
        append_python_text(out, key);
        out += ": ";
        append_repr(out, item);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

json::value parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    throw TooLarge(fmt::format("JSON: {} bytes are more than the limit of {}", text.size(), limits.max_bytes));
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::stream_parser parser({}, options);
  json::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && !parser.done()) parser.finish(error);
  if (error == json::error::too_deep) throw TooLarge(fmt::format("JSON: nested deeper than {}", limits.max_depth));
  if (error) throw InvalidInput(fmt::format("JSON: {} at byte {}", error.message(), used));
  for (; used < text.size(); ++used)
    if (std::string_view(" \t\r\n").find(text[used]) == std::string_view::npos)
      throw InvalidInput(fmt::format("JSON: extra data at byte {}", used));
  if (!limits.round_wide_integers) refuse_wide_integers(text);
  return parser.release();
}

std::string dump(const json::value& value) {
  std::string out;
  Writer(out, false).write(value);
  return out;
}

void dump_to(std::string& out, const json::value& value) { Writer(out, false).write(value); }
void dump_to(std::string& out, const json::object& value) { Writer(out, false).write(value); }

std::string dump_python(const json::value& value) {
  std::string out;
  Writer(out, true).write(value);
  return out;
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[40];
  // Shortest digits in scientific form; Python shows them plain for exponents from -4 to 15.
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific).ptr;
  const std::string_view text(digits, end - digits);
  const auto e = text.find('e');
  const int exponent = std::stoi(std::string(text.substr(e + 1)));
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", text.substr(0, e), exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  char plain[400];
  const auto plain_end = std::to_chars(plain, plain + sizeof plain, value, std::chars_format::fixed).ptr;
  std::string out(plain, plain_end - plain);
  if (out.find('.') == out.npos) out += ".0";
  return out;
}

std::string python_repr(const json::value& value) {
  std::string out;
  append_repr(out, value);
  return out;
}

std::string python_str(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : python_repr(value);
}

const json::value* find(const json::object& object, std::string_view key) { return object.if_contains(key); }

const json::object* find_object(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}

const json::array* find_array(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_array() : nullptr;
}

std::optional<std::string> find_string(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value || !value->is_string()) return {};
  return std::string(value->get_string());
}

std::string string_or(const json::object& object, std::string_view key, std::string_view fallback) {
  return find_string(object, key).value_or(std::string(fallback));
}

std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t fallback) {
  const auto* value = object.if_contains(key);
  if (!value) return fallback;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
  return fallback;
}

double number_or(const json::object& object, std::string_view key, double fallback) {
  const auto* value = object.if_contains(key);
  return value && value->is_number() ? value->to_number<double>() : fallback;
}

bool bool_or(const json::object& object, std::string_view key, bool fallback) {
  const auto* value = object.if_contains(key);
  return value && value->is_bool() ? value->get_bool() : fallback;
}

bool truthy(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return false;
    case json::kind::bool_: return value.get_bool();
    case json::kind::int64: return value.get_int64() != 0;
    case json::kind::uint64: return value.get_uint64() != 0;
    case json::kind::double_: return value.get_double() != 0;
    case json::kind::string: return !value.get_string().empty();
    case json::kind::array: return !value.get_array().empty();
    case json::kind::object: return !value.get_object().empty();
  }
  return false;
}

}  // namespace darkroom
