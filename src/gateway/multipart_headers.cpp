// The header lines of a form: parameters, quoted texts, and file names in RFC 5987's form.

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/multipart.hpp"

namespace darkroom {

namespace {

/// Limit: boundary of a form, bytes. Beyond: 400. Fixed: RFC 2046. Edge: Boundary.is_read_from_the_content_type.
constexpr std::size_t kMaxBoundary = 70;
/// Limit: headers of a part of a form. Beyond: 413. Fixed: programs send three. Edge: Multipart.has_limits.
constexpr std::size_t kMaxHeaders = 32;

// `form-data; name="image"; filename="a.png"`: the word in front, lower case, and the parameters by lower-case name.
struct Parameters {
  std::string word;
  std::map<std::string, std::string> values;
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// A backslash takes the next character as it is and goes away itself; so `..\x.png` becomes `..x.png`.
std::string read_quoted(std::string_view& text) {
  std::string out;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    out += text.front();
    text.remove_prefix(1);
  }
  if (text.empty()) throw InvalidInput("a quoted text in the form's headers does not end");
  text.remove_prefix(1);
  return out;
}

Parameters read_parameters(std::string_view text) {
  Parameters parameters;
  const auto first = std::min(text.find(';'), text.size());
  parameters.word = lower(trim(text.substr(0, first)));
  text.remove_prefix(first);
  while (!text.empty()) {
    text.remove_prefix(1);  // the semicolon
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (text.empty()) break;
    const auto equals = text.find_first_of("=;");
    if (equals == std::string_view::npos || text[equals] == ';') {  // a word without a value says nothing here
      text.remove_prefix(std::min(equals, text.size()));
      continue;
    }
    const std::string name = lower(trim(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    std::string value;
    if (!text.empty() && text.front() == '"') {
      value = read_quoted(text);
      const auto next = std::min(text.find(';'), text.size());
      if (!trim(text.substr(0, next)).empty()) throw InvalidInput("the form's headers are malformed");
      text.remove_prefix(next);
    } else {
      const auto next = std::min(text.find(';'), text.size());
      value = trim(text.substr(0, next));
      text.remove_prefix(next);
    }
    parameters.values.try_emplace(name, std::move(value));
  }
  return parameters;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

// `UTF-8'en'na%C3%AFve.png` (RFC 5987)
std::string read_extended(std::string_view text) {
  const auto first = text.find('\'');
  const auto second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos) throw InvalidInput("filename* of the form is malformed");
  const std::string charset = lower(text.substr(0, first));
  const std::string bytes = percent_decode(text.substr(second + 1));
  if (charset == "utf-8") return bytes;
  if (charset == "iso-8859-1") return latin1_to_utf8(bytes);
  throw InvalidInput("filename* of the form has an unknown character set");
}

void read_disposition(FormPart& part, std::string_view value) {
  Parameters parameters = read_parameters(value);
  if (parameters.word != "form-data") throw InvalidInput("a part of the form is not form-data");
  const auto name = parameters.values.find("name");
  if (name == parameters.values.end()) throw InvalidInput("a part of the form has no name");
  part.name = name->second;
  if (const auto extended = parameters.values.find("filename*"); extended != parameters.values.end()) part.filename = read_extended(extended->second);
  else if (const auto plain = parameters.values.find("filename"); plain != parameters.values.end()) part.filename = plain->second;
  if (!is_valid_utf8(part.name) || (part.filename && !is_valid_utf8(*part.filename))) throw InvalidInput("a name in the form is not UTF-8");
}

}  // namespace

FormPart parse_part_headers(std::string_view lines) {
  FormPart part;
  bool named = false;
  std::size_t count = 0;
  while (!lines.empty()) {
    const auto end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    if (++count > kMaxHeaders) throw TooLarge("a part of the form has too many headers");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || is_blank(line.front())) throw InvalidInput("a header of the form is malformed");
    const std::string name = lower(trim(line.substr(0, colon)));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-disposition") {
      read_disposition(part, value);
      named = true;
    } else if (name == "content-type") {
      part.content_type = value;
    } else if (name == "content-transfer-encoding") {
      const std::string encoding = lower(value);
      if (encoding != "binary" && encoding != "8bit" && encoding != "7bit") throw InvalidInput("a part of the form has an encoding that is not supported");
    }
  }
  if (!named) throw InvalidInput("a part of the form has no name");
  return part;
}

std::string boundary_of(std::string_view content_type) {
  const Parameters parameters = read_parameters(content_type);
  if (parameters.word != "multipart/form-data") throw InvalidInput("expected multipart/form-data");
  const auto boundary = parameters.values.find("boundary");
  if (boundary == parameters.values.end() || boundary->second.empty() || boundary->second.size() > kMaxBoundary)
    throw InvalidInput("the form's boundary is missing or too long");
  if (boundary->second.find_first_of("\r\n") != std::string::npos) throw InvalidInput("the form's boundary is malformed");
  return boundary->second;
}

}  // namespace darkroom
