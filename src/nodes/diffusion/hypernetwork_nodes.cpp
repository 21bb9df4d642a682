// HypernetworkLoader: a model whose attention looks at its text and at itself through a hypernetwork.

#include "base/error.hpp"
#include "diffusion/hypernetwork.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/model_files.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const Hypernetwork> open_hypernetwork(const std::filesystem::path& file, const Compute& compute) {
  return opened(file, [&] { return std::make_shared<const Hypernetwork>(TorchFile::open(MappedFile::open(file)), compute); });
}

class HypernetworkLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("HypernetworkLoader", Form::kV3).module("comfy_extras.nodes_hypernetwork").category("loaders")
        .input("model", Socket{"MODEL"}).input("hypernetwork_name", models("hypernetworks")).input("strength", hundredths(1.0, -10.0, 10.0))
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<ModelValue>("model")->held;
    const auto open = [&](const std::filesystem::path& file) { return open_hypernetwork(file, model->network->compute()); };
    const auto network = model_files<Hypernetwork>(context, "hypernetworks")->get(model_file(context, "hypernetworks", in.choice("hypernetwork_name")), model->network->compute(), open);
    const auto shift = [network, strength = in.number("strength")](AttentionSources& sources, const UNetPlace&) { network->apply(sources, strength); };
    return with_patches(*model, [&](UNetPatches& patches) {
      patches.attn1_input.push_back(shift);
      patches.attn2_input.push_back(shift);
    });
  }
};

}  // namespace

void register_hypernetwork_nodes(Registry& registry) { registry.add<HypernetworkLoader>(); }

}  // namespace darkroom
