// ControlNetLoader, DiffControlNetLoader and SetUnionControlNetType: controls out of files.

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "diffusion/diffusion_model.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/control_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"
#include "worker/node.hpp"

namespace darkroom {

template <>
std::string ControlValue::describe() const { return "<" + held->model->description() + ">"; }
template <>
std::size_t ControlValue::bytes() const { return held->model->bytes(); }

namespace {

std::shared_ptr<const ControlModel> read_control(const std::filesystem::path& file, const Compute& compute, const std::shared_ptr<const Network>& base) {
  return opened(file, [&] { return load_control(std::make_shared<const StateDict>(load_checkpoint(file)), compute, base); });
}

Value control_value(std::shared_ptr<const ControlModel> model, std::optional<std::int64_t> union_type = {}) {
  return held_value(std::make_shared<const Control>(Control{std::move(model), union_type}));
}

class ControlNetLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ControlNetLoader", Form::kV1).category("loaders").display_name("Load ControlNet Model")
        .input("control_net_name", bare(models("controlnet"))).output("CONTROL_NET");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto compute = compute_of(context);
    const auto open = [&](const std::filesystem::path& file) { return read_control(file, compute, nullptr); };
    return {control_value(model_files<ControlModel>(context, "controlnets")->get(model_file(context, "controlnet", in.choice("control_net_name")), compute, open))};
  }
};

/// A control whose file may hold differences to the model's weights.
class DiffControlNetLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("DiffControlNetLoader", Form::kV1).category("loaders").display_name("Load ControlNet Model (diff)")
        .input("model", bare("MODEL")).input("control_net_name", bare(models("controlnet"))).output("CONTROL_NET");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {control_value(read_control(model_file(context, "controlnet", in.choice("control_net_name")), compute_of(context), in.object<ModelValue>("model")->held->network))};
  }
};

/// Says of which kind the pictures of a union ControlNet are.
class SetUnionControlNetType final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SetUnionControlNetType", Form::kV3).module("comfy_extras.nodes_controlnet").category("conditioning/controlnet")
        .input("control_net", Socket{"CONTROL_NET"})
        .input("type", Combo{"auto", "openpose", "depth", "hed/pidi/scribble/ted", "canny/lineart/anime_lineart/mlsd", "normal", "segment", "tile", "repaint"})
        .output("CONTROL_NET");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto found = std::ranges::find(kTypes, in.choice("type"), [](const auto& type) { return type.first; });
    const auto& model = in.object<ControlValue>("control_net")->held->model;
    return {found == kTypes.end() ? control_value(model) : control_value(model, found->second)};
  }

 private:
  /// The kinds in the numbers of the published files; files of six know the first six.
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> kTypes{
      {{"openpose", 0}, {"depth", 1}, {"hed/pidi/scribble/ted", 2}, {"canny/lineart/anime_lineart/mlsd", 3}, {"normal", 4}, {"segment", 5}, {"tile", 6}, {"repaint", 7}}};
};

}  // namespace

void register_control_loaders(Registry& registry) {
  registry.add<ControlNetLoader>();
  registry.add<DiffControlNetLoader>();
  registry.add<SetUnionControlNetType>();
}

}  // namespace darkroom
