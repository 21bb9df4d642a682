// Constants, and an addition.
#include "rt_pack.hpp"

namespace darkroom {
namespace {

class RtInt final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Int", "rt/values").display_name("Integer (rt)").description("An integer constant.")
        .input("value", rt_input("INT", R"({"default": 5, "min": 0, "max": 100, "step": 1, "tooltip": "a number"})"))
        .input("tag", rt_tag()).output("INT", "number", false, "the number");
  }
  Outputs run(const Inputs& in, Context&) override { return {in.at("value")}; }
};

class RtTypes final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Types", "rt/values")
        .input("i", rt_input("INT", R"({"default": 0, "min": -10, "max": 10})"))
        .input("f", rt_input("FLOAT", R"({"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01})"))
        .input("s", rt_input("STRING", R"({"default": "", "multiline": true})"))
        .input("b", rt_input("BOOLEAN", R"({"default": true})"))
        .input("c", rt_choice({"red", "green", "blue"}, R"({"default": "red"})"))
        .input("k", rt_combo(R"({"options": ["x", "y"], "default": "x"})"))
        .input("o", rt_optional(rt_input("INT", R"({"default": 1, "forceInput": true})")))
        .input("tag", rt_tag()).output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override {
    json::array values;
    for (const char* name : {"i", "f", "s", "b", "c", "k"}) values.push_back(*in.at(name).to_json());
    const Value* o = in.find("o");
    values.push_back(o ? *o->to_json() : json::value());
    return {dump_python(values)};
  }
};

class RtLong final : public Node {
 public:
  static NodeSchema schema() {
    json::array choices;
    for (int i = 0; i < 25; ++i) choices.push_back(json::value("opt" + std::string(i < 10 ? "0" : "") + std::to_string(i)));
    return rt_schema("RT_Long", "rt/values").input("pick", rt_choice(std::move(choices))).output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override { return {in.at("pick")}; }
};

/// Makes a value of a type of its own.
class RtDummy final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Dummy", "rt/values").input("tag", rt_tag()).output("RT_OTHER", "other").output("INT,FLOAT", "num");
  }
  Outputs run(const Inputs&, Context&) override { return {json::object{{"other", true}}, 3}; }
};

class RtWild final : public Node {
 public:
  static NodeSchema schema() { return rt_schema("RT_Wild", "rt/values").input("value", rt_input("*", "{}")).output("*"); }
  Outputs run(const Inputs& in, Context&) override { return {in.at("value")}; }
};

class RtAdd final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Add", "rt/values").input("a", rt_input("INT", R"({"default": 0})")).input("b", rt_input("INT", R"({"default": 0})"))
        .input("tag", rt_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context&) override {
    const Value &a = in.at("a"), &b = in.at("b");
    if (!a.is_number() || !b.is_number())
      throw NamedError("TypeError", "unsupported operand type(s) for +: '" + a.type_name() + "' and '" + b.type_name() + "'");
    if (a.is_float() || b.is_float()) return {a.as_number() + b.as_number()};
    return {a.as_int() + b.as_int()};
  }
};

}  // namespace

void register_rt_values(Registry& registry) {
  registry.add<RtInt>();
  registry.add<RtTypes>();
  registry.add<RtLong>();
  registry.add<RtDummy>();
  registry.add<RtWild>();
  registry.add<RtAdd>();
}

}  // namespace darkroom
