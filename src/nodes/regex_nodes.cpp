// RegexMatch, RegexExtract, RegexReplace.

#include "nodes/all_nodes.hpp"
#include "nodes/regex.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema regex_schema(const char* node_class, const char* display_name) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_string").category("utils/string").display_name(display_name)
      .input("string", String{.multiline = true}).input("regex_pattern", String{.multiline = true});
}

/// The pattern of a call. Faults name the input.
Regex compile(const Inputs& in) {
  const RegexFlags flags{in.boolean_or("case_insensitive", true), in.boolean_or("multiline", false), in.boolean_or("dotall", false)};
  return Regex(in.text("regex_pattern"), flags);
}

class RegexMatchNode final : public Node {
 public:
  static NodeSchema schema() {
    return regex_schema("RegexMatch", "Regex Match")
        .input("case_insensitive", Boolean{.value = true}).input("multiline", Boolean{.value = false}).input("dotall", Boolean{.value = false})
        .output("BOOLEAN", "matches");
  }
  /// A faulty pattern matches nothing.
  Outputs run(const Inputs& in, Context&) override {
    try {
      return {compile(in).search(in.text("string")).has_value()};
    } catch (const RegexError&) {
      return {false};
    }
  }
};

/// Parts of a text, one a line.
class RegexExtract final : public Node {
 public:
  static NodeSchema schema() {
    return regex_schema("RegexExtract", "Regex Extract")
        .input("mode", Combo{"First Match", "All Matches", "First Group", "All Groups"})
        .input("case_insensitive", Boolean{.value = true}).input("multiline", Boolean{.value = false}).input("dotall", Boolean{.value = false})
        .input("group_index", Int{.value = 1, .min = 0, .max = 100})
        .output("STRING");
  }
  /// A faulty pattern finds nothing.
  Outputs run(const Inputs& in, Context& context) override {
    try {
      return {extract(compile(in), in.text("string"), in.choice("mode"), in.integer("group_index"), context)};
    } catch (const RegexError&) {
      return {""};
    }
  }

 private:
  static Value extract(const Regex& regex, std::string_view text, std::string_view mode, std::int64_t index, const Context& context) {
    const int groups = regex.translated().groups;
    if (mode == "First Match" || mode == "First Group") {
      const std::int64_t wanted = mode == "First Match" ? 0 : index;
      const auto match = regex.search(text);
      if (!match || wanted > groups) return "";
      const auto& part = (*match)[static_cast<std::size_t>(wanted)];
      return part ? Value(std::string(*part)) : Value();  // a group that took no part gives None
    }
    // "All Matches" is re.findall: the first group where there is one.
    const std::int64_t wanted = mode == "All Matches" ? (groups > 0 ? 1 : 0) : index;
    if (mode == "All Groups" && (groups == 0 || wanted > groups)) return "";
    std::string out;
    bool first = true;
    regex.each_match(text, [&](const RegexMatch& match) {
      context.check();
      if (!first) out += '\n';
      first = false;
      out += match[static_cast<std::size_t>(wanted)].value_or("");
      return true;
    });
    return out;
  }
};

class RegexReplace final : public Node {
 public:
  static NodeSchema schema() {
    return regex_schema("RegexReplace", "Regex Replace").description("Replaces what a pattern finds; \\1 or \\g<name> stand for groups.")
        .input("replace", String{.multiline = true})
        .optional("case_insensitive", Boolean{.value = true}).optional("multiline", Boolean{.value = false})
        .optional("dotall", Boolean{.value = false, .common = {.tooltip = "The dot finds line breaks too."}})
        .optional("count", Int{.value = 0, .min = 0, .max = 100, .common = {.tooltip = "At most this many; 0 replaces all."}})
        .output("STRING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const Regex regex = compile(in);
    const std::string& text = in.text("string");
    const auto parts = parse_replacement(in.text("replace"), regex.translated());
    const std::int64_t most = in.integer_or("count", 0);
    std::string out;
    std::size_t copied = 0;
    std::int64_t done = 0;
    regex.each_match(text, [&](const RegexMatch& match) {
      context.check();
      const auto begin = static_cast<std::size_t>(match[0]->data() - text.data());
      out.append(text, copied, begin - copied);
      for (const auto& part : parts) {
        out += part.literal;
        if (part.group >= 0) out += match[static_cast<std::size_t>(part.group)].value_or("");
      }
      copied = begin + match[0]->size();
      if (out.size() > kMaxReplaced) throw TooLarge("replace: the result is longer than " + std::to_string(kMaxReplaced) + " bytes");
      return ++done != most;
    });
    out.append(text, copied);
    return {std::move(out)};
  }

 private:
  /// Limit: result of RegexReplace, bytes. Beyond: the node fails and says so. Fixed: far more than a prompt. Edge:
  /// test_limits.py::test_the_longest_replacement.
  static constexpr std::size_t kMaxReplaced = 64u << 20;
};

}  // namespace

void register_regex_nodes(Registry& registry) {
  registry.add<RegexMatchNode>();
  registry.add<RegexExtract>();
  registry.add<RegexReplace>();
}

}  // namespace darkroom
