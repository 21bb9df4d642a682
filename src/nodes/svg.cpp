#include "nodes/svg.hpp"

#include <string_view>

namespace darkroom {
namespace {

/// Python's json.dumps(value, indent=2).
void dump_indented(std::string& out, const json::value& value, std::size_t depth) {
  const auto line = [&](std::size_t levels) { out.append("\n").append(2 * levels, ' '); };
  const auto list = [&](char open, char close, const auto& items, auto write) {
    if (items.empty()) {
      out.append({open, close});
      return;
    }
    out.push_back(open);
    bool first = true;
    for (const auto& item : items) {
      if (!first) out.push_back(',');
      first = false;
      line(depth + 1);
      write(item);
    }
    line(depth);
    out.push_back(close);
  };
  if (const auto* object = value.if_object())
    list('{', '}', *object, [&](const auto& item) {
      out += dump_python(json::value(item.key())) + ": ";
      dump_indented(out, item.value(), depth + 1);
    });
  else if (const auto* array = value.if_array())
    list('[', ']', *array, [&](const auto& item) { dump_indented(out, item, depth + 1); });
  else
    out += dump_python(value);
}

/// A CDATA section ends at `]]>`, so one inside the text is split over two sections.
std::string cdata_safe(std::string text) {
  static constexpr std::string_view kEnd = "]]>", kSplit = "]]]]><![CDATA[>";
  for (auto at = text.find(kEnd); at != std::string::npos; at = text.find(kEnd, at + kSplit.size())) text.replace(at, kEnd.size(), kSplit);
  return text;
}

}  // namespace

std::string svg_with_metadata(const std::string& document, const json::object& metadata) {
  const auto tag = document.find("<svg");
  const auto end = tag == std::string::npos ? tag : document.find('>', tag);
  if (end == std::string::npos) return document;
  std::string text;
  dump_indented(text, json::value(metadata), 0);
  return document.substr(0, end + 1) + "\n  <metadata>\n    <![CDATA[\n" + cdata_safe(std::move(text)) + "\n    ]]>\n  </metadata>\n" + document.substr(end + 1);
}

}  // namespace darkroom
