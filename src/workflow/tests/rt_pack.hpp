#pragma once
// Schemas of the packs that the recorded exchanges use (tests/data/transcripts/nodes), as far as validation sees them,
// with their validators as a function.

#include "workflow/schema.hpp"
#include "workflow/validate.hpp"

namespace darkroom::rt {

inline SchemaSet schemas() {
  SchemaSet set;
  const String tag{.value = ""};
  const auto v1 = [](const char* name) { return NodeSchema(name, Form::kV1); };
  const Combo red({"red", "green", "blue"}, "red");
  Combo xy({"x", "y"}, "x");
  xy.new_form = true;
  Combo bare{"a", "b"};
  bare.common.bare = true;
  std::vector<std::string> long_list;
  for (int n = 0; n < 25; ++n) long_list.push_back((n < 10 ? "opt0" : "opt") + std::to_string(n));
  Combo many(long_list, nullptr);
  many.common.bare = true;

  set.add(v1("RT_Int").input("value", Int{.value = 5, .min = 0, .max = 100, .step = 1, .common = {.tooltip = "a number"}}).optional("tag", tag).output("INT", "number"));
  set.add(v1("RT_Types")
              .input("i", Int{.value = 0, .min = -10, .max = 10})
              .input("f", Float{.value = 0.5, .min = 0.0, .max = 1.0, .step = 0.01})
              .input("s", String{.value = "", .multiline = true})
              .input("b", Boolean{.value = true})
              .input("c", red)
              .input("k", xy)
              .optional("o", Int{.value = 1, .force_input = true})
              .optional("tag", tag)
              .output("STRING"));
  set.add(v1("RT_Long").input("pick", many).output("STRING"));
  set.add(v1("RT_Dummy").optional("tag", tag).output("RT_OTHER", "other").output("INT,FLOAT", "num"));
  set.add(v1("RT_Wild").input("value", Any{}).output("*"));
  set.add(v1("RT_Add").input("a", Int{.value = 0}).input("b", Int{.value = 0}).optional("tag", tag).output("INT"));
  set.add(v1("RT_Show").input("value", Any{}).optional("tag", tag).output("*").output_node());
  set.add(v1("RT_Need").input("value", Int{.value = 1, .min = 0, .max = 9}).optional("tag", tag).output_node());
  set.add(v1("RT_Check").input("verdict", String{.value = "ok"}).input("n", Int{.value = 0, .min = 0, .max = 3}).output("STRING")
              .validator({.names = {"verdict", "n"}}));
  set.add(v1("RT_CheckTypes").input("value", Int{.force_input = true}).output("STRING").validator({.takes_types = true}));
  set.add(v1("RT_CheckAll").input("n", Int{.value = 0, .min = 0, .max = 3}).input("pick", bare).optional("linked", Int{.force_input = true}).output("STRING")
              .validator({.takes_all = true}));
  set.add(NodeSchema("RT3_Join", Form::kV3)
              .input("text", String{.value = "a", .multiline = false, .common = {.tooltip = "a text"}})
              .input("n", Int{.value = 1, .min = 0, .max = 9})
              .input("mode", Combo{"plain", "loud"})
              .optional("f", Float{.value = 0.5, .display = "slider"})
              .optional("tag", tag)
              .output("STRING", "joined").output("INT", "count")
              .validator({.names = {"text"}}));
  set.add(NodeSchema("RT3_Show", Form::kV3).input("value", Any{}).optional("tag", tag).output_node());
  set.add(NodeSchema("RT3_Sum", Form::kV3)
              .input("nums", Autogrow{"num", Socket{"INT", {.extra = {{"forceInput", true}}}}, "num", 2, 4})
              .input("op", DynamicCombo{{{"plain", {}}, {"times", {make_input(Form::kV3, "factor", Int{.value = 2, .min = 1, .max = 5})}}}})
              .optional("tag", tag)
              .output("INT"));
  return set;
}

/// What the packs' validators answer.
inline json::value ask(const std::string& node_class, const json::object& inputs, const json::object& received_types) {
  if (node_class == "RT_Check") {
    const json::value& verdict = inputs.at("verdict");
    if (verdict == "false") return false;
    if (verdict == "text") return "not to my taste";
    if (verdict == "raise") throw RaisedInValidator("RuntimeError", "validator broke");
    return true;
  }
  if (node_class == "RT_CheckTypes") {
    const json::value& type = received_types.at("value");
    return type == "RT_OTHER" ? json::value(true) : json::value("got " + python_str(type));
  }
  if (node_class == "RT_CheckAll") {
    if (inputs.contains("linked") && !inputs.at("linked").is_null()) return "a linked input must arrive as None";
    return inputs.at("n") == 99 ? json::value("99 is not allowed") : json::value(true);
  }
  if (node_class == "RT3_Join") return inputs.at("text") == "" ? json::value("empty text") : json::value(true);
  throw RaisedInValidator("LookupError", "no validator of " + node_class);
}

/// No folders: file lists are what a test says.
class FixedLists final : public ChoiceLists {
 public:
  std::vector<std::string> names;
  int asked = 0;
  std::vector<std::string> list(const ListSource&) override {
    ++asked;
    return names;
  }
  bool file_exists(std::string_view name) override { return std::find(names.begin(), names.end(), name) != names.end(); }
};

}  // namespace darkroom::rt
