// Merging: a model whose weights are mixed out of two models'.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>

#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "diffusion/diffusion_model.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_model_merging";

/// `first` with every weight that `second` has too replaced by mix(first's, second's). Weights of other shapes stay as they are.
using Mix = std::function<at::Tensor(const std::string& name, const at::Tensor& first, const at::Tensor& second)>;

Outputs merged(const Inputs& in, Mix mix) {
  const auto first = in.object<ModelValue>("model1")->held, second = in.object<ModelValue>("model2")->held;
  const Weights other = second->network->weights();
  const auto patch = [other, mix = std::move(mix)](const std::string& name, const at::Tensor& weight) {
    if (!other.has(name) || other.raw(name).sizes() != weight.sizes()) return weight;
    return mix(name, weight.to(at::kFloat), other.get(name).to(at::kFloat));
  };
  return {held_value(std::make_shared<const DiffusionModel>(first->with_weights(patch)))};
}

/// Ratios by the beginning of a weight's name; the longest that fits counts, the first of all where none does.
Outputs merged_by_block(const Inputs& in, std::vector<std::pair<std::string, double>> ratios) {
  return merged(in, [ratios = std::move(ratios)](const std::string& name, const at::Tensor& first, const at::Tensor& second) {
    double ratio = ratios.front().second;
    std::size_t longest = 0;
    for (const auto& [prefix, value] : ratios)
      if (name.starts_with(prefix) && prefix.size() > longest) ratio = value, longest = prefix.size();
    return first * ratio + second * (1.0 - ratio);
  });
}

NodeSchema two_models(const char* name, const char* module = kModule, const char* category = "advanced/model_merging") {
  return NodeSchema(name, Form::kV1).module(module).category(category).display_name(name)
      .input("model1", bare("MODEL")).input("model2", bare("MODEL")).output("MODEL");
}

Float ratio_input() { return hundredths(1.0, 0.0, 1.0); }

class ModelMergeSimple final : public Node {
 public:
  static NodeSchema schema() { return two_models("ModelMergeSimple").input("ratio", ratio_input()); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [ratio = in.number("ratio")](const std::string&, const at::Tensor& a, const at::Tensor& b) { return a * ratio + b * (1.0 - ratio); });
  }
};

class ModelMergeAdd final : public Node {
 public:
  static NodeSchema schema() { return two_models("ModelMergeAdd"); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [](const std::string&, const at::Tensor& a, const at::Tensor& b) { return a + b; });
  }
};

class ModelMergeSubtract final : public Node {
 public:
  static NodeSchema schema() { return two_models("ModelMergeSubtract").input("multiplier", hundredths(1.0, -10.0, 10.0)); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [m = in.number("multiplier")](const std::string&, const at::Tensor& a, const at::Tensor& b) { return a * m - b * m; });
  }
};

class ModelMergeBlocks final : public Node {
 public:
  static NodeSchema schema() {
    return two_models("ModelMergeBlocks").input("input", ratio_input()).input("middle", ratio_input()).input("out", ratio_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return merged_by_block(in, {{"input", in.number("input")}, {"middle", in.number("middle")}, {"out", in.number("out")}});
  }
};

/// Inputs of the classes that name every block of a family.
std::vector<std::string> block_names(int input_blocks, int output_blocks, const char* end) {
  std::vector<std::string> names{"time_embed.", "label_emb."};
  const auto add = [&](const std::string& part, int count) {
    for (int i = 0; i < count; ++i) names.push_back(part + "." + std::to_string(i) + end);
  };
  add("input_blocks", input_blocks);
  add("middle_block", 3);
  add("output_blocks", output_blocks);
  names.emplace_back("out.");
  return names;
}

Outputs merged_by_names(const Inputs& in, const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, double>> ratios;
  for (const auto& name : names) ratios.emplace_back(name, in.number(name));
  return merged_by_block(in, std::move(ratios));
}

NodeSchema block_schema(const char* name, const std::vector<std::string>& blocks) {
  auto schema = two_models(name, "comfy_extras.nodes_model_merging_model_specific", "advanced/model_merging/model_specific");
  for (const auto& block : blocks) schema.input(block, ratio_input());
  return schema;
}

std::vector<std::string> sd_blocks() { return block_names(12, 12, "."); }
std::vector<std::string> sdxl_blocks() { return block_names(9, 9, ""); }

class ModelMergeSD1 final : public Node {
 public:
  static NodeSchema schema() { return block_schema("ModelMergeSD1", sd_blocks()); }
  Outputs run(const Inputs& in, Context&) override { return merged_by_names(in, sd_blocks()); }
};

class ModelMergeSD2 final : public Node {
 public:
  static NodeSchema schema() { return block_schema("ModelMergeSD2", sd_blocks()); }
  Outputs run(const Inputs& in, Context&) override { return merged_by_names(in, sd_blocks()); }
};

class ModelMergeSDXL final : public Node {
 public:
  static NodeSchema schema() { return block_schema("ModelMergeSDXL", sdxl_blocks()); }
  Outputs run(const Inputs& in, Context&) override { return merged_by_names(in, sdxl_blocks()); }
};

}  // namespace

void register_merge_nodes(Registry& registry) {
  registry.add<ModelMergeSimple>();
  registry.add<ModelMergeAdd>();
  registry.add<ModelMergeSubtract>();
  registry.add<ModelMergeBlocks>();
  registry.add<ModelMergeSD1>();
  registry.add<ModelMergeSD2>();
  registry.add<ModelMergeSDXL>();
}

}  // namespace darkroom
