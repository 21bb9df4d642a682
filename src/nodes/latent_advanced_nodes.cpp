// Nodes of the categories latent/batch and latent/advanced: batches, arithmetic, joining and cutting, operations.

#include <ATen/TensorOperators.h>

#include "nodes/all_nodes.hpp"
#include "nodes/latent_batch.hpp"
#include "nodes/latent_operations.hpp"
#include "nodes/latent_ops.hpp"
#include "nodes/limits.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

NodeSchema latent_schema(const char* node_class, const char* category) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_latent").category(category);
}

Latent bare_latent() { return {.common = {.bare = true}}; }

Value with_samples(const LatentObject& latent, at::Tensor samples) {
  LatentObject out = latent;
  out.samples = std::move(samples);
  return latent_value(std::move(out));
}

std::vector<LatentPtr> latents_of(const std::vector<std::pair<std::string, Value>>& items) {
  std::vector<LatentPtr> latents;
  for (const auto& [name, value] : items) {
    Inputs one;
    one.set(name, value);
    latents.push_back(one.latent(name));
  }
  return latents;
}

class LatentFromBatch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentFromBatch", Form::kV1).category("latent/batch").display_name("Latent From Batch")
        .input("samples", bare_latent())
        .input("batch_index", Int{.value = 0, .min = 0, .max = 63}).input("length", Int{.value = 1, .min = 1, .max = 64})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {latent_value(latent_from_batch(*in.latent("samples"), in.integer("batch_index"), in.integer("length")))};
  }
};

class RepeatLatentBatch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RepeatLatentBatch", Form::kV1).category("latent/batch").display_name("Repeat Latent Batch")
        .input("samples", bare_latent()).input("amount", Int{.value = 1, .min = 1, .max = 64})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override { return {latent_value(repeat_latent(*in.latent("samples"), in.integer("amount")))}; }
};

/// Says which noise the pictures of a batch get: each its own, or all that of the first.
class LatentBatchSeedBehavior final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentBatchSeedBehavior", Form::kV3).module("comfy_extras.nodes_latent").category("latent/advanced")
        .input("samples", Latent{}).input("seed_behavior", Combo({"random", "fixed"}, "fixed"))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    LatentObject latent = *in.latent("samples");
    if (in.choice("seed_behavior") == "fixed") {
      const auto first = latent.batch_index && !latent.batch_index->empty() ? latent.batch_index->front() : 0;
      latent.batch_index.emplace(static_cast<std::size_t>(latent.samples.size(0)), first);
    } else {
      latent.batch_index.reset();
    }
    return {latent_value(std::move(latent))};
  }
};

/// Deals the latents of a list into batches of one size.
class RebatchLatents final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RebatchLatents", Form::kV3).module("comfy_extras.nodes_rebatch").category("latent/batch").display_name("Rebatch Latents")
        .input_is_list()
        .input("latents", Latent{}).input("batch_size", Int{.value = 1, .min = 1, .max = 4096})
        .output("LATENT", "", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    std::vector<std::pair<std::string, Value>> items;
    for (const auto& value : in.list("latents")) items.emplace_back("latents", value);
    const List& size = in.list("batch_size");
    if (size.empty()) throw InvalidInput("batch_size: an empty list");
    List batches;
    for (auto& latent : rebatch_latents(latents_of(items), size[0].as_int())) batches.push_back(latent_value(std::move(latent)));
    return {Value::list(std::move(batches))};
  }
};

class BatchLatentsNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("BatchLatentsNode", Form::kV3).module("comfy_extras.nodes_post_processing").category("latent").display_name("Batch Latents")
        .input("latents", Autogrow{.member = "latent", .of = {"LATENT"}, .prefix = "latent", .min = 2, .max = 50})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto* items = in.at("latents").if_dict();
    if (!items) throw InvalidInput("latents: expected latents, got " + in.at("latents").type_name());
    return {latent_value(join_latents(latents_of(*items), "latents"))};
  }
};

class LatentBatch final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentBatch", "latent/batch").deprecated()
        .input("samples1", Latent{}).input("samples2", Latent{}).output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {latent_value(join_latents({in.latent("samples1"), in.latent("samples2")}, "samples2"))};
  }
};

/// What LatentAdd and LatentSubtract share: samples2 fitted to samples1.
template <class Arithmetic>
Outputs combine(const Inputs& in, Arithmetic arithmetic) {
  const auto first = in.latent("samples1"), second = in.latent("samples2");
  const at::Tensor other = reshape_like(second->samples, first->samples);
  if (other.size(1) != first->samples.size(1) && other.size(1) != 1)
    throw InvalidInput("samples2: " + describe(second->samples) + " doesn't fit " + describe(first->samples));
  return {with_samples(*first, arithmetic(first->samples, other))};
}

class LatentAdd final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentAdd", "latent/advanced").input("samples1", Latent{}).input("samples2", Latent{}).output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return combine(in, [](const at::Tensor& a, const at::Tensor& b) { return a + b; });
  }
};

class LatentSubtract final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentSubtract", "latent/advanced").input("samples1", Latent{}).input("samples2", Latent{}).output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return combine(in, [](const at::Tensor& a, const at::Tensor& b) { return a - b; });
  }
};

class LatentMultiply final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentMultiply", "latent/advanced").input("samples", Latent{})
        .input("multiplier", Float{.value = 1.0, .min = -10.0, .max = 10.0, .step = 0.01})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    return {with_samples(*latent, latent->samples * in.number("multiplier"))};
  }
};

class LatentInterpolate final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentInterpolate", "latent/advanced").input("samples1", Latent{}).input("samples2", Latent{})
        .input("ratio", Float{.value = 1.0, .min = 0.0, .max = 1.0, .step = 0.01})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto first = in.latent("samples1");
    if (first->samples.dim() != 4) throw InvalidInput("samples1: expected [B,C,H,W], got " + describe(first->samples));
    return {with_samples(*first, interpolate_latents(first->samples, in.latent("samples2")->samples, in.number("ratio")))};
  }
};

class LatentConcat final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentConcat", "latent/advanced").input("samples1", Latent{}).input("samples2", Latent{})
        .input("dim", Combo{"x", "-x", "y", "-y", "t", "-t"})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto first = in.latent("samples1");
    return {with_samples(*first, concat_latents(first->samples, in.latent("samples2")->samples, in.choice("dim")))};
  }
};

class LatentCut final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentCut", "latent/advanced").input("samples", Latent{}).input("dim", Combo{"x", "y", "t"})
        .input("index", Int{.value = 0, .min = -kMaxResolution, .max = kMaxResolution, .step = 1})
        .input("amount", Int{.value = 1, .min = 1, .max = kMaxResolution, .step = 1})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    return {with_samples(*latent, cut_latent(latent->samples, in.choice("dim"), in.integer("index"), in.integer("amount")))};
  }
};

class LatentCutToBatch final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentCutToBatch", "latent/advanced").input("samples", Latent{}).input("dim", Combo{"t", "x", "y"})
        .input("slice_size", Int{.value = 1, .min = 1, .max = kMaxResolution, .step = 1})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    return {with_samples(*latent, cut_latent_to_batch(latent->samples, in.choice("dim"), in.integer("slice_size")))};
  }
};

class LatentApplyOperation final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentApplyOperation", "latent/advanced/operations").experimental()
        .input("samples", Latent{}).input("operation", Socket{"LATENT_OPERATION"}).output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    return {with_samples(*latent, in.object<LatentOperation>("operation")->apply(latent->samples))};
  }
};

class LatentOperationTonemapReinhard final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentOperationTonemapReinhard", "latent/advanced/operations").experimental()
        .input("multiplier", Float{.value = 1.0, .min = 0.0, .max = 100.0, .step = 0.01})
        .output("LATENT_OPERATION");
  }
  Outputs run(const Inputs& in, Context&) override { return {std::make_shared<const TonemapReinhard>(in.number("multiplier"))}; }
};

class LatentOperationSharpen final : public Node {
 public:
  static NodeSchema schema() {
    return latent_schema("LatentOperationSharpen", "latent/advanced/operations").experimental()
        .input("sharpen_radius", Int{.value = 9, .min = 1, .max = 31, .step = 1})
        .input("sigma", Float{.value = 1.0, .min = 0.1, .max = 10.0, .step = 0.1})
        .input("alpha", Float{.value = 0.1, .min = 0.0, .max = 5.0, .step = 0.01})
        .output("LATENT_OPERATION");
  }
  Outputs run(const Inputs& in, Context&) override {
    return {std::make_shared<const LatentSharpen>(in.integer("sharpen_radius"), in.number("sigma"), in.number("alpha"))};
  }
};

}  // namespace

void register_latent_advanced_nodes(Registry& registry) {
  registry.add<LatentFromBatch>();
  registry.add<RepeatLatentBatch>();
  registry.add<LatentBatchSeedBehavior>();
  registry.add<RebatchLatents>();
  registry.add<BatchLatentsNode>();
  registry.add<LatentBatch>();
  registry.add<LatentAdd>();
  registry.add<LatentSubtract>();
  registry.add<LatentMultiply>();
  registry.add<LatentInterpolate>();
  registry.add<LatentConcat>();
  registry.add<LatentCut>();
  registry.add<LatentCutToBatch>();
  registry.add<LatentApplyOperation>();
  registry.add<LatentOperationTonemapReinhard>();
  registry.add<LatentOperationSharpen>();
}

}  // namespace darkroom
