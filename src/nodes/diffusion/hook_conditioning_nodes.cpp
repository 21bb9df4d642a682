// CONDITIONING in one step: mask, hooks and part of the schedule set together, singly or for a positive and a negative; entries that stand in
// where no other counts.

#include <functional>
#include <memory>
#include <utility>

#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/hook_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

NodeSchema with_properties(NodeSchema schema) {
  return schema.input("strength", hundredths(1.0, 0.0, 10.0)).input("set_cond_area", bare(Combo{"default", "mask bounds"}))
      .optional("mask", Mask{{.bare = true}}).optional("hooks", bare("HOOKS")).optional("timesteps", bare("TIMESTEPS_RANGE"));
}

NodeSchema with_pair(NodeSchema schema) { return schema.output("CONDITIONING", "positive").output("CONDITIONING", "negative"); }

/// An entry's own hooks and these.
void add_hooks(Cond& entry, const Hooks& hooks) {
  if (!hooks.empty()) entry.hooks = std::make_shared<const Hooks>(entry.hooks ? combined(*entry.hooks, hooks) : hooks);
}

/// The list of `name` with the properties that are given. The strength is the mask's.
Conditioning with_given_properties(const Inputs& in, std::string_view name) {
  auto entries = conditioning(in, name);
  const auto hooks = hooks_or_none(in, "hooks");
  for (auto& entry : entries) {
    if (in.given("mask")) {
      entry.mask = in.mask("mask");
      entry.mask_strength = in.number("strength");
      entry.area_to_mask_bounds = in.choice("set_cond_area") != "default";
    }
    add_hooks(entry, hooks);
    if (in.given("timesteps")) {
      const auto range = in.object<TimestepsRangeValue>("timesteps")->held;
      entry.start_percent = range->start;
      entry.end_percent = range->end;
    }
  }
  return entries;
}

/// The list of `name` as what counts where no other entry does.
Conditioning fallbacks(const Inputs& in, std::string_view name) {
  auto entries = conditioning(in, name);
  const auto hooks = hooks_or_none(in, "hooks");
  for (auto& entry : entries) {
    add_hooks(entry, hooks);
    entry.fallback = true;
  }
  return entries;
}

class ConditioningSetProperties final : public Node {
 public:
  static NodeSchema schema() {
    return with_properties(hook_node("ConditioningSetProperties", "/cond single", "Cond Set Props").input("cond_NEW", bare("CONDITIONING"))).output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override { return {conditioning_value(with_given_properties(in, "cond_NEW"))}; }
};

class ConditioningSetPropertiesAndCombine final : public Node {
 public:
  static NodeSchema schema() {
    return with_properties(hook_node("ConditioningSetPropertiesAndCombine", "/cond single", "Cond Set Props Combine").input("cond", bare("CONDITIONING"))
        .input("cond_NEW", bare("CONDITIONING"))).output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override { return {joined(conditioning(in, "cond"), with_given_properties(in, "cond_NEW"))}; }
};

class ConditioningSetDefaultCombine final : public Node {
 public:
  static NodeSchema schema() {
    return hook_node("ConditioningSetDefaultCombine", "/cond single", "Cond Set Default Combine").input("cond", bare("CONDITIONING"))
        .input("cond_DEFAULT", bare("CONDITIONING")).optional("hooks", bare("HOOKS")).output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override { return {joined(conditioning(in, "cond"), fallbacks(in, "cond_DEFAULT"))}; }
};

class PairConditioningCombine final : public Node {
 public:
  static NodeSchema schema() {
    return with_pair(hook_node("PairConditioningCombine", "/cond pair", "Cond Pair Combine")
        .input("positive_A", bare("CONDITIONING")).input("negative_A", bare("CONDITIONING"))
        .input("positive_B", bare("CONDITIONING")).input("negative_B", bare("CONDITIONING")));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {joined(conditioning(in, "positive_A"), conditioning(in, "positive_B")), joined(conditioning(in, "negative_A"), conditioning(in, "negative_B"))};
  }
};

class PairConditioningSetProperties final : public Node {
 public:
  static NodeSchema schema() {
    return with_pair(with_properties(hook_node("PairConditioningSetProperties", "/cond pair", "Cond Pair Set Props")
        .input("positive_NEW", bare("CONDITIONING")).input("negative_NEW", bare("CONDITIONING"))));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {conditioning_value(with_given_properties(in, "positive_NEW")), conditioning_value(with_given_properties(in, "negative_NEW"))};
  }
};

class PairConditioningSetPropertiesAndCombine final : public Node {
 public:
  static NodeSchema schema() {
    return with_pair(with_properties(hook_node("PairConditioningSetPropertiesAndCombine", "/cond pair", "Cond Pair Set Props Combine")
        .input("positive", bare("CONDITIONING")).input("negative", bare("CONDITIONING"))
        .input("positive_NEW", bare("CONDITIONING")).input("negative_NEW", bare("CONDITIONING"))));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {joined(conditioning(in, "positive"), with_given_properties(in, "positive_NEW")), joined(conditioning(in, "negative"), with_given_properties(in, "negative_NEW"))};
  }
};

class PairConditioningSetDefaultCombine final : public Node {
 public:
  static NodeSchema schema() {
    return with_pair(hook_node("PairConditioningSetDefaultCombine", "/cond pair", "Cond Pair Set Default Combine")
        .input("positive", bare("CONDITIONING")).input("negative", bare("CONDITIONING"))
        .input("positive_DEFAULT", bare("CONDITIONING")).input("negative_DEFAULT", bare("CONDITIONING")).optional("hooks", bare("HOOKS")));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {joined(conditioning(in, "positive"), fallbacks(in, "positive_DEFAULT")), joined(conditioning(in, "negative"), fallbacks(in, "negative_DEFAULT"))};
  }
};

/// A part of the schedule, and what lies before and behind it.
class ConditioningTimestepsRange final : public Node {
 public:
  static NodeSchema schema() {
    return hook_node("ConditioningTimestepsRange", "", "Timesteps Range").input("start_percent", thousandths(0.0)).input("end_percent", thousandths(1.0))
        .output("TIMESTEPS_RANGE").output("TIMESTEPS_RANGE", "BEFORE_RANGE").output("TIMESTEPS_RANGE", "AFTER_RANGE");
  }
  Outputs run(const Inputs& in, Context&) override {
    const double start = in.number("start_percent"), end = in.number("end_percent");
    const auto range = [](double from, double to) { return held_value(std::make_shared<const TimestepsRange>(TimestepsRange{from, to})); };
    return {range(start, end), range(0.0, start), range(end, 1.0)};
  }
};

}  // namespace

void register_hook_conditioning_nodes(Registry& registry) {
  registry.add<ConditioningSetProperties>();
  registry.add<ConditioningSetPropertiesAndCombine>();
  registry.add<ConditioningSetDefaultCombine>();
  registry.add<PairConditioningCombine>();
  registry.add<PairConditioningSetProperties>();
  registry.add<PairConditioningSetPropertiesAndCombine>();
  registry.add<PairConditioningSetDefaultCombine>();
  registry.add<ConditioningTimestepsRange>();
}

}  // namespace darkroom
