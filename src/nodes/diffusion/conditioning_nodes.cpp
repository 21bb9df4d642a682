// CONDITIONING put together and changed: mixtures, areas, masks, ranges of the schedule.

#include <ATen/ops/zeros_like.h>

#include <functional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/limits.hpp"
#include "tensor/concat.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kPixelsPerLatent = 8;

/// The list of `name` with `change` made to a copy of each entry.
Outputs changed(const Inputs& in, const std::function<void(Cond&)>& change, std::string_view name = "conditioning") {
  Conditioning entries = conditioning(in, name);
  for (auto& entry : entries) change(entry);
  return {conditioning_value(std::move(entries))};
}

/// The first entry of `conditioning_from`; more of them are passed over, as the reference does.
const Cond& first_of(const Inputs& in, const char* node) {
  const auto& from = conditioning(in, "conditioning_from");
  if (from.empty()) throw InvalidInput("conditioning_from: it is empty");
  if (from.size() > 1) log::warn("{}: conditioning_from has {} entries, only the first is used", node, from.size());
  return from.front();
}

void require_one_width(const at::Tensor& to, const at::Tensor& from) {
  if (to.size(2) != from.size(2))
    throw InvalidInput("conditioning_from: made by a text encoder of width " + std::to_string(from.size(2)) + ", conditioning_to by one of width " + std::to_string(to.size(2)));
}

NodeSchema one_conditioning(const char* name, const char* category, const char* display_name) {
  return NodeSchema(name, Form::kV1).category(category).display_name(display_name).input("conditioning", bare("CONDITIONING")).output("CONDITIONING");
}

Float strength_input() { return hundredths(1.0, 0.0, 10.0); }

class ConditioningCombine final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ConditioningCombine", Form::kV1).category("conditioning").display_name("Conditioning (Combine)")
        .input("conditioning_1", bare("CONDITIONING")).input("conditioning_2", bare("CONDITIONING"))
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    return {joined(conditioning(in, "conditioning_1"), conditioning(in, "conditioning_2"))};
  }
};

/// `to * strength + from * (1 - strength)`, the shorter `from` filled up with zeros.
class ConditioningAverage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ConditioningAverage", Form::kV1).category("conditioning").display_name("ConditioningAverage")
        .input("conditioning_to", bare("CONDITIONING")).input("conditioning_from", bare("CONDITIONING"))
        .input("conditioning_to_strength", hundredths(1.0, 0.0, 1.0))
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& from = first_of(in, "ConditioningAverage");
    const double strength = in.number("conditioning_to_strength");
    return changed(in, [&](Cond& to) {
      require_one_width(to.text, from.text);
      to.text = to.text * strength + fitted(from.text, to.text.size(1)) * (1.0 - strength);
      if (!from.pooled) return;
      if (to.pooled && to.pooled->sizes() != from.pooled->sizes()) throw InvalidInput("conditioning_from: its pooled vector is of another width");
      to.pooled = to.pooled ? *to.pooled * strength + *from.pooled * (1.0 - strength) : *from.pooled;
    }, "conditioning_to");
  }

 private:
  static at::Tensor fitted(const at::Tensor& text, std::int64_t tokens) {
    if (text.size(1) >= tokens) return text.narrow(1, 0, tokens);
    return concat({text, at::zeros({text.size(0), tokens - text.size(1), text.size(2)}, text.options())}, 1);
  }
};

class ConditioningConcat final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ConditioningConcat", Form::kV1).category("conditioning").display_name("Conditioning (Concat)")
        .input("conditioning_to", bare("CONDITIONING")).input("conditioning_from", bare("CONDITIONING"))
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& from = first_of(in, "ConditioningConcat");
    return changed(in, [&](Cond& to) {
      require_one_width(to.text, from.text);
      to.text = concat({to.text, from.text}, 1);
    }, "conditioning_to");
  }
};

/// A rectangle in pixels.
class ConditioningSetArea final : public Node {
 public:
  static NodeSchema schema() {
    return one_conditioning("ConditioningSetArea", "conditioning", "Conditioning (Set Area)")
        .input("width", side()).input("height", side()).input("x", place()).input("y", place()).input("strength", strength_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = [&](const char* name) { return in.integer(name) / kPixelsPerLatent; };
    const Area area{latent("height"), latent("width"), latent("y"), latent("x")};
    return changed(in, [&](Cond& entry) {
      entry.area = area;
      entry.strength = in.number("strength");
      entry.area_to_mask_bounds = false;
    });
  }

 private:
  static Int side() { return {.value = 64, .min = 64, .max = kMaxResolution, .step = kPixelsPerLatent}; }
  static Int place() { return {.value = 0, .min = 0, .max = kMaxResolution, .step = kPixelsPerLatent}; }
};

/// A rectangle in fractions of the picture.
class ConditioningSetAreaPercentage final : public Node {
 public:
  static NodeSchema schema() {
    return one_conditioning("ConditioningSetAreaPercentage", "conditioning", "Conditioning (Set Area with Percentage)")
        .input("width", fraction(1.0)).input("height", fraction(1.0)).input("x", fraction(0)).input("y", fraction(0)).input("strength", strength_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    const AreaFraction area{in.number("height"), in.number("width"), in.number("y"), in.number("x")};
    return changed(in, [&](Cond& entry) {
      entry.area = area;
      entry.strength = in.number("strength");
      entry.area_to_mask_bounds = false;
    });
  }

 private:
  /// The reference writes these zeros as integers, and clients see it.
  static InputSpec fraction(double value) {
    auto spec = make_input(Form::kV1, {}, hundredths(value, 0.0, 1.0));
    spec.options["min"] = 0;
    if (value == 0) spec.options["default"] = 0;
    return spec;
  }
};

class ConditioningSetAreaStrength final : public Node {
 public:
  static NodeSchema schema() {
    return one_conditioning("ConditioningSetAreaStrength", "conditioning", "ConditioningSetAreaStrength").input("strength", strength_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [&](Cond& entry) { entry.strength = in.number("strength"); });
  }
};

class ConditioningSetMask final : public Node {
 public:
  static NodeSchema schema() {
    return one_conditioning("ConditioningSetMask", "conditioning", "Conditioning (Set Mask)")
        .input("mask", Mask{{.bare = true}}).input("strength", strength_input()).input("set_cond_area", bare(Combo{"default", "mask bounds"}));
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto mask = in.mask("mask");
    const bool to_bounds = in.choice("set_cond_area") != "default";
    return changed(in, [&](Cond& entry) {
      entry.mask = mask;
      entry.mask_strength = in.number("strength");
      entry.area_to_mask_bounds = to_bounds;
    });
  }
};

class ConditioningSetTimestepRange final : public Node {
 public:
  static NodeSchema schema() {
    return one_conditioning("ConditioningSetTimestepRange", "advanced/conditioning", "ConditioningSetTimestepRange")
        .input("start", thousandths(0.0)).input("end", thousandths(1.0));
  }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [&](Cond& entry) {
      entry.start_percent = in.number("start");
      entry.end_percent = in.number("end");
    });
  }
};

/// Zeros in the place of the text and of the pooled vector.
class ConditioningZeroOut final : public Node {
 public:
  static NodeSchema schema() { return one_conditioning("ConditioningZeroOut", "advanced/conditioning", "ConditioningZeroOut"); }
  Outputs run(const Inputs& in, Context&) override {
    return changed(in, [](Cond& entry) {
      entry.text = at::zeros_like(entry.text);
      if (entry.pooled) entry.pooled = at::zeros_like(*entry.pooled);
    });
  }
};

}  // namespace

void register_conditioning_nodes(Registry& registry) {
  registry.add<ConditioningCombine>();
  registry.add<ConditioningAverage>();
  registry.add<ConditioningConcat>();
  registry.add<ConditioningSetArea>();
  registry.add<ConditioningSetAreaPercentage>();
  registry.add<ConditioningSetAreaStrength>();
  registry.add<ConditioningSetMask>();
  registry.add<ConditioningSetTimestepRange>();
  registry.add<ConditioningZeroOut>();
}

}  // namespace darkroom
