// Nodes of the category mask/compositing: alpha channels and Porter and Duff's modes.

#include "nodes/all_nodes.hpp"
#include "nodes/compositing.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

NodeSchema compositing_schema(const char* node_class) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_compositing").category("mask/compositing");
}

/// Composes two pictures with transparency. Everything is brought to the destination's size.
class PorterDuffImageComposite final : public Node {
 public:
  static NodeSchema schema() {
    return compositing_schema("PorterDuffImageComposite").display_name("Porter-Duff Image Composite")
        .input("source", Image{}).input("source_alpha", Mask{}).input("destination", Image{}).input("destination_alpha", Mask{})
        .input("mode", Combo{{"ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT", "DST_OVER", "LIGHTEN", "MULTIPLY", "OVERLAY",
                              "SCREEN", "SRC", "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR"},
                             "DST"})
        .output(Image{}).output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto [source, destination] = fit_layers({in.image("source"), in.mask("source_alpha")},
                                                  {in.image("destination"), in.mask("destination_alpha")});
    const Layer result = porter_duff(source, destination, in.choice("mode"));
    return {tensor_value(result.image), tensor_value(result.mask)};
  }
};

/// Takes a picture apart into its colours and a mask of what is transparent.
class SplitImageWithAlpha final : public Node {
 public:
  static NodeSchema schema() {
    return compositing_schema("SplitImageWithAlpha").display_name("Split Image with Alpha")
        .input("image", Image{}).output(Image{}).output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const Layer layer = split_alpha(in.image("image"));
    return {tensor_value(layer.image), tensor_value(layer.mask)};
  }
};

/// Gives a picture an alpha channel: what the mask covers becomes transparent.
class JoinImageWithAlpha final : public Node {
 public:
  static NodeSchema schema() {
    return compositing_schema("JoinImageWithAlpha").display_name("Join Image with Alpha")
        .input("image", Image{}).input("alpha", Mask{}).output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(join_alpha(in.image("image"), in.mask("alpha")))}; }
};

}  // namespace

void register_compositing_nodes(Registry& registry) {
  registry.add<PorterDuffImageComposite>();
  registry.add<SplitImageWithAlpha>();
  registry.add<JoinImageWithAlpha>();
}

}  // namespace darkroom
