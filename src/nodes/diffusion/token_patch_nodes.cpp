// Patches that make self-attention cheaper: over fewer queries (ToMe), or within tiles (HyperTile).

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "diffusion/chance.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/image_tiling.hpp"
#include "diffusion/token_merging.hpp"
#include "diffusion/unet.hpp"
#include "diffusion/unet_patches.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema patch_schema(const char* name, const char* module) {
  return NodeSchema(name, Form::kV3).module(module).category("model_patches/unet").input("model", Socket{"MODEL"});
}

/// What is done to the queries of a layer, until its output is there: a T, made by `begin`, whose `end` undoes it. One layer runs at a time.
template <class T, class Begin, class End>
Outputs around_self_attention(const DiffusionModel& model, Begin begin, End end) {
  return with_patches(model, [&](UNetPatches& patches) {
    const auto held = std::make_shared<std::optional<T>>();
    patches.attn1_input.push_back([held, begin](AttentionSources& sources, const UNetPlace& place) {
      held->reset();
      if (place.call->chance) *held = begin(sources, place);
    });
    patches.attn1_output.push_back([held, end](const at::Tensor& tokens, const UNetPlace&) {
      if (!*held) return tokens;
      const auto whole = end(**held, tokens);
      held->reset();
      return whole;
    });
  });
}

class TomePatchModel final : public Node {
 public:
  static NodeSchema schema() {
    return patch_schema("TomePatchModel", "comfy_extras.nodes_tomesd")
        .input("ratio", Float{.value = 0.3, .min = 0.0, .max = 1.0, .step = 0.01, .common = {.tooltip = "How many of the queries are merged into others."}})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto begin = [ratio = in.number("ratio")](AttentionSources& sources, const UNetPlace& place) -> std::optional<TokenMerging> {
      const auto tokens = sources.queries.size(1), count = static_cast<std::int64_t>(static_cast<double>(tokens) * ratio);
      // Only at full size: elsewhere there is little to save.
      if (tokens != place.call->x.size(2) * place.call->x.size(3) || count < 1) return std::nullopt;
      TokenMerging merging(sources.queries, place.height, place.width, count, *place.call->chance);
      sources.queries = merging.merge(sources.queries);
      return merging;
    };
    return around_self_attention<TokenMerging>(*in.object<ModelValue>("model")->held, begin,
                                               [](const TokenMerging& merging, const at::Tensor& tokens) { return merging.unmerge(tokens); });
  }
};

/// The queries of each tile look at as long a run of keys, the image's rows from the tile's number on: so does ComfyUI 0.8.0.
class HyperTile final : public Node {
 public:
  static NodeSchema schema() {
    return patch_schema("HyperTile", "comfy_extras.nodes_hypertile")
        .input("tile_size", Int{.value = 256, .min = 1, .max = 2048, .common = {.tooltip = "The least side of a tile, in pixels."}})
        .input("swap_size", Int{.value = 2, .min = 1, .max = 128, .common = {.tooltip = "Among how many sizes is chosen."}})
        .input("max_depth", Int{.value = 0, .min = 0, .max = 10, .common = {.tooltip = "At how many halved sizes it is done too."}})
        .input("scale_depth", Boolean{.value = false, .common = {.tooltip = "Larger tiles at halved sizes."}})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    constexpr std::int64_t kLeastTile = 32, kPixelsPerLatent = 8;
    const auto begin = [tile = std::max(kLeastTile, in.integer("tile_size")) / kPixelsPerLatent, choices = in.integer("swap_size"), depths = in.integer("max_depth"),
                        larger = in.boolean("scale_depth")](AttentionSources& sources, const UNetPlace& place) -> std::optional<ImageTiling> {
      const auto tokens = sources.queries.size(1);
      const double height = static_cast<double>(place.call->x.size(2)), width = static_cast<double>(place.call->x.size(3));
      const auto depth = depth_of(tokens, height, width, depths);
      if (!depth) return std::nullopt;
      // Height and width in the other order: so does ComfyUI 0.8.0, and tiles of an oblong image lie askew in it.
      ImageTiling tiling;
      tiling.height = std::llrint(std::sqrt(static_cast<double>(tokens) * (width / height)));
      tiling.width = std::llrint(std::sqrt(static_cast<double>(tokens) / (width / height)));
      const auto least = larger ? tile << *depth : tile;
      tiling.rows = random_parts(tiling.height, least, choices, *place.call->chance);
      tiling.columns = random_parts(tiling.width, least, choices, *place.call->chance);
      if (tiling.count() == 1 || tiling.height * tiling.width != tokens) return std::nullopt;
      sources.queries = tiling.cut(sources.queries);
      const auto runs = [&](const at::Tensor& t) { return t.reshape({t.size(0) * tiling.count(), -1, t.size(2)}); };
      sources.keys = runs(sources.keys);
      sources.values = runs(sources.values);
      return tiling;
    };
    return around_self_attention<ImageTiling>(*in.object<ModelValue>("model")->held, begin,
                                              [](const ImageTiling& tiling, const at::Tensor& tiles) { return tiling.join(tiles); });
  }

 private:
  /// How often the latent was halved to have so many tokens; nothing: more often than `depths`, or not evenly.
  static std::optional<std::int64_t> depth_of(std::int64_t tokens, double height, double width, std::int64_t depths) {
    for (std::int64_t depth = 0; depth <= depths; ++depth)
      if (static_cast<double>(tokens) == std::ldexp(height, -static_cast<int>(depth)) * std::ldexp(width, -static_cast<int>(depth))) return depth;
    return std::nullopt;
  }
};

}  // namespace

void register_token_patch_nodes(Registry& registry) {
  registry.add<TomePatchModel>();
  registry.add<HyperTile>();
}

}  // namespace darkroom
