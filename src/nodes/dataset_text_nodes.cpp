// Nodes of the category dataset/text. As in ComfyUI each gives a list as one value, whatever the graph's own lists are; unlike
// there it takes such a list too, so that the nodes can follow each other.

#include "nodes/all_nodes.hpp"
#include "nodes/python_text.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema text_schema(const char* node_class, const char* display_name) {
  OutputSpec texts;
  texts.type = "STRING";
  texts.name = "texts";
  texts.list_unsaid = true;
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_dataset").category("dataset/text").display_name(display_name).experimental()
      .input("texts", String{})
      .output(texts);
}

/// `change` of a text, or of each text of a list.
template <class Change>
Outputs changed(const Inputs& in, Change change) {
  const Value& texts = in.at("texts");
  List out;
  if (const auto* items = texts.if_list())
    for (const auto& item : *items) out.emplace_back(change(item.as_string()));
  else
    out.emplace_back(change(in.text("texts")));
  return {Value::list(std::move(out))};
}

class TextToUppercase final : public Node {
 public:
  static NodeSchema schema() { return text_schema("TextToUppercase", "Text to Uppercase"); }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [](const std::string& text) { return python::upper(text); });
  }
};

class TextToLowercase final : public Node {
 public:
  static NodeSchema schema() { return text_schema("TextToLowercase", "Text to Lowercase"); }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [](const std::string& text) { return python::lower(text); });
  }
};

/// Keeps the first `max_length` characters.
class TruncateText final : public Node {
 public:
  static NodeSchema schema() {
    return text_schema("TruncateText", "Truncate Text").input("max_length", Int{.value = 77, .min = 1, .max = 10000});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::int64_t most = in.integer("max_length");
    return changed(in, [most](const std::string& text) { return python::slice(text, 0, most); });
  }
};

class AddTextPrefix final : public Node {
 public:
  static NodeSchema schema() { return text_schema("AddTextPrefix", "Add Text Prefix").input("prefix", String{.value = ""}); }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& prefix = in.text("prefix");
    return changed(in, [&prefix](const std::string& text) { return prefix + text; });
  }
};

class AddTextSuffix final : public Node {
 public:
  static NodeSchema schema() { return text_schema("AddTextSuffix", "Add Text Suffix").input("suffix", String{.value = ""}); }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& suffix = in.text("suffix");
    return changed(in, [&suffix](const std::string& text) { return text + suffix; });
  }
};

class ReplaceText final : public Node {
 public:
  static NodeSchema schema() {
    return text_schema("ReplaceText", "Replace Text").input("find", String{.value = ""}).input("replace", String{.value = ""});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string &find = in.text("find"), &with = in.text("replace");
    return changed(in, [&](const std::string& text) { return python::replace(text, find, with); });
  }
};

class StripWhitespace final : public Node {
 public:
  static NodeSchema schema() { return text_schema("StripWhitespace", "Strip Whitespace"); }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [](const std::string& text) { return python::strip(text); });
  }
};

/// All texts of the graph's lists in one list, which is itself the only item of a list.
class MergeTextLists final : public Node {
 public:
  static NodeSchema schema() { return text_schema("MergeTextLists", "Merge Text Lists").input_is_list(); }
  Outputs run(const Inputs& in, Context&) override { return {Value::list({Value::list(in.list("texts"))})}; }
};

}  // namespace

void register_dataset_text_nodes(Registry& registry) {
  registry.add<TextToUppercase>();
  registry.add<TextToLowercase>();
  registry.add<TruncateText>();
  registry.add<AddTextPrefix>();
  registry.add<AddTextSuffix>();
  registry.add<ReplaceText>();
  registry.add<StripWhitespace>();
  registry.add<MergeTextLists>();
}

}  // namespace darkroom
