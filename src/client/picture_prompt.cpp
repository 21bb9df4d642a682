#include "client/picture_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "workflow/limits.hpp"

namespace darkroom::client {

json::object load_workflow(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw InvalidInput(file.string() + " is a folder, not a workflow");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw NotFound(fmt::format("the workflow {} can't be opened: {}", file.string(), std::generic_category().message(errno)));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  json::value document;
  try {
    document = parse_json(text, {.max_bytes = limits::kMaxWorkflowBytes, .max_depth = limits::kMaxWorkflowDepth});
  } catch (const Error& error) {
    throw InvalidInput(fmt::format("the workflow {} is no JSON: {}", file.string(), error.what()));
  }
  auto* object = document.if_object();
  if (object && find_object(*object, "prompt") && !find_string(*find_object(*object, "prompt"), "class_type"))
    object = &object->at("prompt").get_object();
  if (object && object->contains("nodes") && object->contains("links"))
    throw InvalidInput(fmt::format("{} is in the editor's own form: export it as API, or let a server's classes read it (import_workflow)",
                                   file.string()));
  const auto is_node = [](const auto& item) { return item.value().is_object() && find_string(item.value().get_object(), "class_type"); };
  if (!object || object->empty() || !std::ranges::all_of(*object, is_node))
    throw InvalidInput(fmt::format("{} is no workflow: expected an object of nodes, each with a class_type", file.string()));
  return std::move(*object);
}

}  // namespace darkroom::client
