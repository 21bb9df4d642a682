#include "gateway/openapi.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <string>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// What a plain word of YAML means; words in quotes are texts.
json::value scalar_of(const YAML::Node& node) {
  const std::string& word = node.Scalar();
  if (node.Tag() == "!") return json::value(word);
  if (word == "true" || word == "false") return word == "true";
  std::int64_t integer = 0;
  std::uint64_t large = 0;
  const char *begin = word.data(), *end = begin + word.size();
  if (const auto [stopped, fault] = std::from_chars(begin, end, integer); fault == std::errc() && stopped == end) return integer;
  if (const auto [stopped, fault] = std::from_chars(begin, end, large); fault == std::errc() && stopped == end) return large;
  return json::value(word);
}

json::value json_of(const YAML::Node& node) {
  if (node.IsNull() || !node.IsDefined()) return nullptr;
  if (node.IsScalar()) return scalar_of(node);
  if (node.IsSequence()) {
    json::array list;
    for (const auto& item : node) list.push_back(json_of(item));
    return list;
  }
  json::object object;
  for (const auto& item : node) {
    if (item.first.Scalar() != "<<") {
      object[item.first.Scalar()] = json_of(item.second);
      continue;
    }
    for (const auto& inherited : item.second) object.emplace(inherited.first.Scalar(), json_of(inherited.second));
  }
  return object;
}

/// Adds what `part` has: objects are joined, lists follow each other.
void join(json::object& whole, const json::object& part, std::string_view where) {
  for (const auto& item : part) {
    auto* known = whole.if_contains(item.key());
    if (!known) whole[item.key()] = item.value();
    else if (known->is_object() && item.value().is_object()) join(known->get_object(), item.value().get_object(), where);
    else if (known->is_array() && item.value().is_array())
      known->get_array().insert(known->get_array().end(), item.value().get_array().begin(), item.value().get_array().end());
    else throw InternalError("openapi/" + std::string(where) + " says " + std::string(item.key()) + " again");
  }
}

}  // namespace

json::object openapi_document() {
  json::object document;
  for (const OpenApiPart& part : embedded_openapi()) join(document, json_of(YAML::Load(std::string(part.text))).as_object(), part.name);
  document["info"].as_object()["version"] = DARKROOM_VERSION;
  return document;
}

}  // namespace darkroom
