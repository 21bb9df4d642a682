// Nodes of the category utils/string, but for regular expressions (regex_nodes.cpp). Texts are Python's: places count code points.

#include "nodes/all_nodes.hpp"
#include "nodes/limits.hpp"
#include "nodes/python_text.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema string_schema(const char* node_class, const char* display_name) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_string").category("utils/string").display_name(display_name);
}

String long_text() { return {.multiline = true}; }

class StringConcatenate final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringConcatenate", "Concatenate")
        .input("string_a", long_text()).input("string_b", long_text()).input("delimiter", String{.value = ""})
        .output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override { return {in.text("string_a") + in.text("delimiter") + in.text("string_b")}; }
};

class StringSubstring final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringSubstring", "Substring").input("string", long_text()).input("start", Int{}).input("end", Int{}).output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override { return {python::slice(in.text("string"), in.integer("start"), in.integer("end"))}; }
};

class StringLength final : public Node {
 public:
  static NodeSchema schema() { return string_schema("StringLength", "Length").input("string", long_text()).output("INT", "length"); }
  Outputs run(const Inputs& in, Context&) override { return {python::length(in.text("string"))}; }
};

class CaseConverter final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("CaseConverter", "Case Converter")
        .input("string", long_text()).input("mode", Combo{"UPPERCASE", "lowercase", "Capitalize", "Title Case"})
        .output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string &text = in.text("string"), &mode = in.choice("mode");
    if (mode == "UPPERCASE") return {python::upper(text)};
    if (mode == "lowercase") return {python::lower(text)};
    if (mode == "Capitalize") return {python::capitalize(text)};
    if (mode == "Title Case") return {python::title(text)};
    return {text};
  }
};

/// Takes blanks off the ends.
class StringTrim final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringTrim", "Trim").input("string", long_text()).input("mode", Combo{"Both", "Left", "Right"}).output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& mode = in.choice("mode");
    return {python::strip(in.text("string"), mode != "Right", mode != "Left")};
  }
};

class StringReplace final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringReplace", "Replace")
        .input("string", long_text()).input("find", long_text()).input("replace", long_text())
        .output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override {
    return {python::replace(in.text("string"), in.text("find"), in.text("replace"))};
  }
};

class StringContains final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringContains", "Contains")
        .input("string", long_text()).input("substring", long_text()).input("case_sensitive", Boolean{.value = true})
        .output("BOOLEAN", "contains");
  }
  Outputs run(const Inputs& in, Context&) override {
    if (in.boolean("case_sensitive")) return {in.text("string").find(in.text("substring")) != std::string::npos};
    return {python::lower(in.text("string")).find(python::lower(in.text("substring"))) != std::string::npos};
  }
};

class StringCompare final : public Node {
 public:
  static NodeSchema schema() {
    return string_schema("StringCompare", "Compare")
        .input("string_a", long_text()).input("string_b", long_text()).input("mode", Combo{"Starts With", "Ends With", "Equal"})
        .input("case_sensitive", Boolean{.value = true})
        .output("BOOLEAN");
  }
  Outputs run(const Inputs& in, Context&) override {
    std::string a = in.text("string_a"), b = in.text("string_b");
    if (!in.boolean("case_sensitive")) {
      a = python::lower(a);
      b = python::lower(b);
    }
    const std::string& mode = in.choice("mode");
    return {mode == "Equal" ? a == b : mode == "Starts With" ? a.starts_with(b) : a.ends_with(b)};
  }
};

}  // namespace

void register_text_nodes(Registry& registry) {
  registry.add<StringConcatenate>();
  registry.add<StringSubstring>();
  registry.add<StringLength>();
  registry.add<CaseConverter>();
  registry.add<StringTrim>();
  registry.add<StringReplace>();
  registry.add<StringContains>();
  registry.add<StringCompare>();
}

}  // namespace darkroom
