// Hooks: weights that belong to single entries of a conditioning. Where they come from, how they change over the schedule, and how they go together.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/log.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/diffusion_model.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/checkpoint_files.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/hook_values.hpp"
#include "nodes/diffusion/lora_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/model_files.hpp"

namespace darkroom {

template <>
std::string HooksValue::describe() const { return "<" + std::to_string(held->size()) + " hooks>"; }
template <>
std::size_t HooksValue::bytes() const { return 0; }
template <>
std::string HookKeyframesValue::describe() const { return "<" + std::to_string(held->size()) + " keyframes>"; }
template <>
std::size_t HookKeyframesValue::bytes() const { return 0; }
template <>
std::string TimestepsRangeValue::describe() const { return "(" + std::to_string(held->start) + ", " + std::to_string(held->end) + ")"; }
template <>
std::size_t TimestepsRangeValue::bytes() const { return 0; }

Hooks hooks_or_none(const Inputs& in, std::string_view name) { return in.given(name) ? *in.object<HooksValue>(name)->held : Hooks(); }

namespace {

Outputs hooks_output(Hooks hooks) { return {held_value(std::make_shared<const Hooks>(std::move(hooks)))}; }

Float hook_strength() { return hundredths(1.0, -20.0, 20.0); }

/// A hook of `weights` behind the given ones. With strengths of 0 it is left out.
template <class Make>
Outputs created(const Inputs& in, bool with_clip, Make weights) {
  auto hooks = hooks_or_none(in, "prev_hooks");
  const double model = in.number("strength_model"), clip = with_clip ? in.number("strength_clip") : 0;
  if (model != 0 || clip != 0) hooks.push_back({weights(), model, clip, {}});
  return hooks_output(std::move(hooks));
}

NodeSchema creating(const char* name, const char* display_name, const char* choice, const char* folder, bool with_clip) {
  auto schema = hook_node(name, "/create", display_name).input(choice, bare(models(folder))).input("strength_model", hook_strength());
  if (with_clip) schema.input("strength_clip", hook_strength());
  return schema.optional("prev_hooks", bare("HOOKS")).output("HOOKS");
}

Outputs created_of_lora(const Inputs& in, bool with_clip, Context& context) {
  return created(in, with_clip, [&] {
    const auto& name = in.choice("lora_name");
    return lora_hook_weights(name, open_lora(name, context));
  });
}

Outputs created_of_model(const Inputs& in, bool with_clip, Context& context) {
  return created(in, with_clip, [&] {
    const auto checkpoint = open_checkpoint(model_file(context, "checkpoints", in.choice("ckpt_name")), context);
    return model_hook_weights(checkpoint->model->network->weights(), with_clip ? checkpoint->clip : nullptr);
  });
}

class CreateHookLora final : public Node {
 public:
  static NodeSchema schema() { return creating("CreateHookLora", "Create Hook LoRA", "lora_name", "loras", true); }
  Outputs run(const Inputs& in, Context& context) override { return created_of_lora(in, true, context); }
};

class CreateHookLoraModelOnly final : public Node {
 public:
  static NodeSchema schema() { return creating("CreateHookLoraModelOnly", "Create Hook LoRA (MO)", "lora_name", "loras", false); }
  Outputs run(const Inputs& in, Context& context) override { return created_of_lora(in, false, context); }
};

class CreateHookModelAsLora final : public Node {
 public:
  static NodeSchema schema() { return creating("CreateHookModelAsLora", "Create Hook Model as LoRA", "ckpt_name", "checkpoints", true); }
  Outputs run(const Inputs& in, Context& context) override { return created_of_model(in, true, context); }
};

class CreateHookModelAsLoraModelOnly final : public Node {
 public:
  static NodeSchema schema() { return creating("CreateHookModelAsLoraModelOnly", "Create Hook Model as LoRA (MO)", "ckpt_name", "checkpoints", false); }
  Outputs run(const Inputs& in, Context& context) override { return created_of_model(in, false, context); }
};

HookKeyframes given_keyframes(const Inputs& in) { return in.given("prev_hook_kf") ? *in.object<HookKeyframesValue>("prev_hook_kf")->held : HookKeyframes(); }
Outputs keyframes_output(HookKeyframes keyframes) { return {held_value(std::make_shared<const HookKeyframes>(std::move(keyframes)))}; }
NodeSchema keyframe_node(const char* name, const char* display_name) { return hook_node(name, "/scheduling", display_name); }
NodeSchema with_keyframes(NodeSchema schema) { return schema.optional("prev_hook_kf", bare("HOOK_KEYFRAMES")).output("HOOK_KEYFRAMES", "HOOK_KF"); }

/// Keyframes of `strengths` from start to end; the first is kept for a step, the others may be passed over.
Outputs spread_keyframes(const Inputs& in, const std::vector<double>& strengths) {
  auto keyframes = given_keyframes(in);
  const double start = in.number("start_percent"), end = in.number("end_percent");
  for (std::size_t i = 0; i < strengths.size(); ++i) {
    const double part = strengths.size() > 1 ? static_cast<double>(i) / static_cast<double>(strengths.size() - 1) : 0;
    const HookKeyframe keyframe{strengths[i], static_cast<float>(start + (end - start) * part), i == 0 ? 1 : 0};
    if (in.boolean("print_keyframes")) log::info("hook keyframe: from {} on strength {}", keyframe.start_percent, keyframe.strength);
    add_keyframe(keyframes, keyframe);
  }
  return keyframes_output(std::move(keyframes));
}

class CreateHookKeyframe final : public Node {
 public:
  static NodeSchema schema() {
    return with_keyframes(keyframe_node("CreateHookKeyframe", "Create Hook Keyframe").input("strength_mult", hook_strength()).input("start_percent", thousandths(0.0)));
  }
  Outputs run(const Inputs& in, Context&) override {
    auto keyframes = given_keyframes(in);
    add_keyframe(keyframes, {in.number("strength_mult"), in.number("start_percent"), 1});
    return keyframes_output(std::move(keyframes));
  }
};

class CreateHookKeyframesInterpolated final : public Node {
 public:
  static NodeSchema schema() {
    const auto strength = [] { return Float{.value = 1.0, .min = 0.0, .max = 10.0, .step = 0.001}; };
    return with_keyframes(keyframe_node("CreateHookKeyframesInterpolated", "Create Hook Keyframes Interp.")
        .input("strength_start", strength()).input("strength_end", strength())
        .input("interpolation", bare(Combo{"linear", "ease_in", "ease_out", "ease_in_out"}))
        .input("start_percent", thousandths(0.0)).input("end_percent", thousandths(1.0))
        .input("keyframes_count", Int{.value = 5, .min = 2, .max = 100, .step = 1})
        .input("print_keyframes", Boolean{.value = false}));
  }
  Outputs run(const Inputs& in, Context&) override {
    const double first = in.number("strength_start"), last = in.number("strength_end");
    const auto count = in.integer("keyframes_count");
    std::vector<double> strengths;
    for (std::int64_t i = 0; i < count; ++i)
      strengths.push_back(first + (last - first) * eased(in.choice("interpolation"), static_cast<double>(i) / static_cast<double>(count - 1)));
    return spread_keyframes(in, strengths);
  }

 private:
  static double eased(const std::string& way, double t) {
    if (way == "ease_in") return t * t;
    if (way == "ease_out") return 1 - (1 - t) * (1 - t);
    if (way == "ease_in_out") return (1 - std::cos(std::numbers::pi * t)) / 2;
    return t;
  }
};

class CreateHookKeyframesFromFloats final : public Node {
 public:
  static NodeSchema schema() {
    return with_keyframes(keyframe_node("CreateHookKeyframesFromFloats", "Create Hook Keyframes From Floats")
        .input("floats_strength", floats())
        .input("start_percent", thousandths(0.0)).input("end_percent", thousandths(1.0)).input("print_keyframes", Boolean{.value = false}));
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& given = in.at("floats_strength");
    std::vector<double> strengths;
    if (given.is_number()) {
      strengths.push_back(given.as_number());
    } else if (const auto* list = given.if_list()) {
      for (const auto& item : *list) strengths.push_back(item.as_number());
    } else if (const auto* array = given.if_json() ? given.if_json()->if_array() : nullptr) {
      for (const auto& item : *array) strengths.push_back(Value::from_json(item).as_number());
    } else {
      throw InvalidInput("floats_strength: expected a number or a list of numbers, got " + given.type_name());
    }
    return spread_keyframes(in, strengths);
  }

 private:
  static InputSpec floats() {
    InputSpec spec;
    spec.type = "FLOATS";
    spec.options = {{"default", -1}, {"min", -1}, {"step", 0.001}, {"forceInput", true}};
    return spec;
  }
};

class SetHookKeyframes final : public Node {
 public:
  static NodeSchema schema() {
    return keyframe_node("SetHookKeyframes", "Set Hook Keyframes").input("hooks", bare("HOOKS")).optional("hook_kf", bare("HOOK_KEYFRAMES")).output("HOOKS");
  }
  Outputs run(const Inputs& in, Context&) override {
    auto hooks = hooks_or_none(in, "hooks");
    if (in.given("hook_kf"))
      for (auto& hook : hooks) hook.keyframes = *in.object<HookKeyframesValue>("hook_kf")->held;
    return hooks_output(std::move(hooks));
  }
};

NodeSchema combining(const char* name, const char* display_name, char last) {
  auto schema = hook_node(name, "/combine", display_name);
  for (char letter = 'A'; letter <= last; ++letter) schema.optional(std::string("hooks_") + letter, bare("HOOKS"));
  return schema.output("HOOKS");
}

Outputs combine(const Inputs& in, char last) {
  Hooks hooks;
  bool any = false;
  for (char letter = 'A'; letter <= last; ++letter) {
    const auto name = std::string("hooks_") + letter;
    any = any || in.given(name);
    hooks = combined(std::move(hooks), hooks_or_none(in, name));
  }
  return any ? hooks_output(std::move(hooks)) : Outputs{Value()};
}

class CombineHooks2 final : public Node {
 public:
  static NodeSchema schema() { return combining("CombineHooks2", "Combine Hooks [2]", 'B'); }
  Outputs run(const Inputs& in, Context&) override { return combine(in, 'B'); }
};

class CombineHooks4 final : public Node {
 public:
  static NodeSchema schema() { return combining("CombineHooks4", "Combine Hooks [4]", 'D'); }
  Outputs run(const Inputs& in, Context&) override { return combine(in, 'D'); }
};

class CombineHooks8 final : public Node {
 public:
  static NodeSchema schema() { return combining("CombineHooks8", "Combine Hooks [8]", 'H'); }
  Outputs run(const Inputs& in, Context&) override { return combine(in, 'H'); }
};

class SetClipHooks final : public Node {
 public:
  static NodeSchema schema() {
    return hook_node("SetClipHooks", "/clip", "Set CLIP Hooks").input("clip", bare("CLIP")).input("apply_to_conds", Boolean{.value = true})
        .input("schedule_clip", Boolean{.value = false}).optional("hooks", bare("HOOKS")).output("CLIP");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto clip = clip_input(in);
    if (!in.given("hooks")) return {held_value(clip)};
    return {held_value(clip->with_hooks(std::make_shared<const ClipHooks>(ClipHooks{hooks_or_none(in, "hooks"), in.boolean("apply_to_conds"), in.boolean("schedule_clip")})))};
  }
};

}  // namespace

void register_hook_nodes(Registry& registry) {
  registry.add<CreateHookLora>();
  registry.add<CreateHookLoraModelOnly>();
  registry.add<CreateHookModelAsLora>();
  registry.add<CreateHookModelAsLoraModelOnly>();
  registry.add<CreateHookKeyframe>();
  registry.add<CreateHookKeyframesInterpolated>();
  registry.add<CreateHookKeyframesFromFloats>();
  registry.add<SetHookKeyframes>();
  registry.add<CombineHooks2>();
  registry.add<CombineHooks4>();
  registry.add<CombineHooks8>();
  registry.add<SetClipHooks>();
}

}  // namespace darkroom
