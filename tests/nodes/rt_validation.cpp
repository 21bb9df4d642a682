// Classes with validators of their own.
#include "rt_pack.hpp"

namespace darkroom {
namespace {

/// Names its inputs; the widget rules are off for them.
class RtCheck final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Check", "rt/validation").input("verdict", rt_input("STRING", R"({"default": "ok"})"))
        .input("n", rt_input("INT", R"({"default": 0, "min": 0, "max": 3})")).output("STRING").validator({.names = {"verdict", "n"}});
  }
  static json::value validate(const Inputs& in, const json::object&) {
    const std::string verdict = in.at("verdict").describe();
    if (verdict == "false") return false;
    if (verdict == "text") return "not to my taste";
    if (verdict == "raise") throw NamedError("RuntimeError", "validator broke");
    return true;
  }
  Outputs run(const Inputs& in, Context&) override { return {in.text("verdict") + "/" + std::to_string(in.integer("n"))}; }
};

/// Asks for `input_types`; the link type check is off.
class RtCheckTypes final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_CheckTypes", "rt/validation").input("value", rt_input("INT", R"({"forceInput": true})")).output("STRING")
        .validator({.takes_types = true});
  }
  static json::value validate(const Inputs&, const json::object& types) {
    const auto* type = find(types, "value");
    const std::string name = type ? python_str(*type) : "None";
    if (name != "RT_OTHER") return json::value("got " + name);
    return true;
  }
  Outputs run(const Inputs& in, Context&) override { return {rt_text(in.at("value"))}; }
};

/// Takes every input: min, max and list checks are off for all.
class RtCheckAll final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_CheckAll", "rt/validation").input("n", rt_input("INT", R"({"default": 0, "min": 0, "max": 3})"))
        .input("pick", rt_choice({"a", "b"})).input("linked", rt_optional(rt_input("INT", R"({"forceInput": true})"))).output("STRING")
        .validator({.takes_all = true});
  }
  static json::value validate(const Inputs& in, const json::object&) {
    if (in.given("linked")) return "a linked input must arrive as None";
    return in.at("n").is_number() && in.number("n") == 99 ? json::value("99 is not allowed") : json::value(true);
  }
  Outputs run(const Inputs& in, Context&) override {
    const Value* linked = in.find("linked");
    return {std::to_string(in.integer("n")) + "/" + in.at("pick").describe() + "/" + (linked ? linked->describe() : "None")};
  }
};

}  // namespace

void register_rt_validation(Registry& registry) {
  registry.add<RtCheck>();
  registry.add<RtCheckTypes>();
  registry.add<RtCheckAll>();
}

}  // namespace darkroom
