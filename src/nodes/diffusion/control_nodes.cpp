// ControlNetApply, ControlNetApplyAdvanced and CLIPTextEncodeControlnet: pictures that steer where things go.

#include <map>

#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/control_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// How a control is used on the entries of one node.
struct Application {
  std::shared_ptr<const Control> control;
  at::Tensor hint;  ///< [B,3,H,W]
  double strength, start_percent = 0, end_percent = 1;
};

Application application(const Inputs& in) {
  auto image = in.image("image");
  if (image.size(3) < 3) image = image.expand({-1, -1, -1, 3});
  return {in.object<ControlValue>("control_net")->held, image.narrow(3, 0, 3).permute({0, 3, 1, 2}), in.number("strength"),
          in.number_or("start_percent", 0), in.number_or("end_percent", 1)};
}

/// The entries with one more link each; entries that had the same chain have the same again, so that they can be computed together.
/// `links` is shared by the lists of a node for the same reason.
using Links = std::map<std::shared_ptr<const ControlLink>, std::shared_ptr<const ControlLink>>;
Conditioning with_control(const Conditioning& given, const Application& use, bool to_negative, Links& links) {
  Conditioning changed = given;
  for (auto& cond : changed) {
    auto& link = links[cond.control];
    if (!link) link = std::make_shared<const ControlLink>(ControlLink{use.control->model, use.hint, use.strength, use.start_percent, use.end_percent, use.control->union_type, cond.control});
    cond.control = link;
    cond.control_applies_to_negative = to_negative;
  }
  return changed;
}

Float strength_input() { return hundredths(1.0, 0.0, 10.0); }

/// The old node: one list, and the negatives of the run get the same control.
class ControlNetApply final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ControlNetApply", Form::kV1).category("conditioning/controlnet").display_name("Apply ControlNet (OLD)").deprecated()
        .input("conditioning", bare("CONDITIONING")).input("control_net", bare("CONTROL_NET")).input("image", bare("IMAGE"))
        .input("strength", strength_input())
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& given = conditioning(in, "conditioning");
    const auto use = application(in);
    Links links;
    return {conditioning_value(use.strength == 0 ? given : with_control(given, use, true, links))};
  }
};

class ControlNetApplyAdvanced final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ControlNetApplyAdvanced", Form::kV1).category("conditioning/controlnet").display_name("Apply ControlNet")
        .input("positive", bare("CONDITIONING")).input("negative", bare("CONDITIONING")).input("control_net", bare("CONTROL_NET"))
        .input("image", bare("IMAGE")).input("strength", strength_input())
        .input("start_percent", thousandths(0.0)).input("end_percent", thousandths(1.0))
        .optional("vae", bare("VAE"))
        .output("CONDITIONING", "positive").output("CONDITIONING", "negative");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto &positive = conditioning(in, "positive"), &negative = conditioning(in, "negative");
    const auto use = application(in);
    if (use.strength == 0) return {conditioning_value(positive), conditioning_value(negative)};
    Links links;
    return {conditioning_value(with_control(positive, use, false, links)), conditioning_value(with_control(negative, use, false, links))};
  }
};

/// Another text for the controls alone.
class CLIPTextEncodeControlnet final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPTextEncodeControlnet", Form::kV3).module("comfy_extras.nodes_cond").category("_for_testing/conditioning").experimental()
        .input("clip", Socket{"CLIP"}).input("conditioning", Socket{"CONDITIONING"})
        .input("text", String{.multiline = true, .common = {.extra = {{"multiline", true}, {"dynamicPrompts", true}}}})
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto text = clip_input(in)->encode(in.text("text"), prompt_context(context));
    Conditioning entries = conditioning(in, "conditioning");
    for (auto& entry : entries) {
      entry.control_text = text.text;
      entry.control_pooled = text.pooled;
    }
    return {conditioning_value(std::move(entries))};
  }
};

}  // namespace

void register_control_nodes(Registry& registry) {
  registry.add<ControlNetApply>();
  registry.add<ControlNetApplyAdvanced>();
  registry.add<CLIPTextEncodeControlnet>();
}

}  // namespace darkroom
