// Dataset nodes that take whole lists: shuffling, merging, sorting out, grids, buckets of one resolution.


#include "nodes/all_nodes.hpp"
#include "nodes/dataset_images.hpp"
#include "nodes/limits.hpp"
#include "nodes/shuffling.hpp"
#include "tensor/concat.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

NodeSchema list_schema(const char* node_class, const char* display_name) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_dataset").category("dataset/image").display_name(display_name)
      .experimental().input_is_list()
      .input("images", Image{});
}

Int seed() { return {.value = 0, .min = 0, .max = UINT64_MAX}; }

std::vector<at::Tensor> images_of(const Inputs& in) {
  std::vector<at::Tensor> images;
  for (const auto& value : in.list("images")) {
    Inputs one;
    one.set("images", value);
    images.push_back(one.image("images"));
  }
  return images;
}

/// The first value of a constant's list.
const Value& single(const Inputs& in, const char* name) {
  const List& list = in.list(name);
  if (list.empty()) throw InvalidInput(std::string(name) + ": an empty list");
  return list[0];
}

Value image_list(const std::vector<at::Tensor>& images) {
  List out;
  for (const auto& image : images) out.push_back(tensor_value(image));
  return Value::list(std::move(out));
}

List picked(const List& list, const std::vector<std::size_t>& order, const char* name) {
  List out;
  for (const std::size_t i : order) {
    if (i >= list.size()) throw InvalidInput(std::string(name) + ": " + std::to_string(list.size()) + " items for " + std::to_string(order.size()) + " images");
    out.push_back(list[i]);
  }
  return out;
}

class ShuffleDataset final : public Node {
 public:
  static NodeSchema schema() {
    return list_schema("ShuffleDataset", "Shuffle Image Dataset").input("seed", seed()).output("IMAGE", "images", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    const List& images = in.list("images");
    return {Value::list(picked(images, LegacyRandom(single(in, "seed").as_uint()).permutation(images.size()), "images"))};
  }
};

/// Keeps each text with its image.
class ShuffleImageTextDataset final : public Node {
 public:
  static NodeSchema schema() {
    return list_schema("ShuffleImageTextDataset", "Shuffle Image-Text Dataset").input("texts", String{}).input("seed", seed())
        .output("IMAGE", "images", true).output("STRING", "texts", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    const List& images = in.list("images");
    const auto order = LegacyRandom(single(in, "seed").as_uint()).permutation(images.size());
    return {Value::list(picked(images, order, "images")), Value::list(picked(in.list("texts"), order, "texts"))};
  }
};

class MergeImageLists final : public Node {
 public:
  static NodeSchema schema() { return list_schema("MergeImageLists", "Merge Image Lists").output("IMAGE", "images", true); }
  Outputs run(const Inputs& in, Context&) override { return {Value::list(in.list("images"))}; }
};

class ImageDeduplication final : public Node {
 public:
  static NodeSchema schema() {
    return list_schema("ImageDeduplication", "Image Deduplication").description("Leaves out images that look like one before.")
        .input("similarity_threshold", Float{.value = 0.95, .min = 0.0, .max = 1.0})
        .output("IMAGE", "images", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    return {image_list(deduplicate(images_of(in), single(in, "similarity_threshold").as_number()))};
  }
};

class ImageGrid final : public Node {
 public:
  static NodeSchema schema() {
    return list_schema("ImageGrid", "Image Grid").description("All images side by side in one.")
        .input("columns", Int{.value = 4, .min = 1, .max = 20})
        .input("cell_width", Int{.value = 256, .min = 32, .max = 2048}).input("cell_height", Int{.value = 256, .min = 32, .max = 2048})
        .input("padding", Int{.value = 4, .min = 0, .max = 50})
        .output(Image{}, "images");
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(image_grid(images_of(in), single(in, "columns").as_int(), single(in, "cell_width").as_int(),
                                    single(in, "cell_height").as_int(), single(in, "padding").as_int()))};
  }
};

/// Puts latents of one size into one batch, with the conditioning entry that belongs to each of them.
class ResolutionBucket final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ResolutionBucket", Form::kV3).module("comfy_extras.nodes_dataset").category("dataset").display_name("Resolution Bucket")
        .experimental().input_is_list()
        .input("latents", Latent{}).input("conditioning", Socket{"CONDITIONING"})
        .output("LATENT", "latents", true).output("CONDITIONING", "conditioning", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    const List &latents = in.list("latents"), &conditioning = in.list("conditioning");
    if (latents.size() != conditioning.size())
      throw InvalidInput("Number of latents (" + std::to_string(latents.size()) + ") does not match number of conditions (" +
                         std::to_string(conditioning.size()) + ").");
    std::vector<Bucket> buckets;
    for (std::size_t i = 0; i < latents.size(); ++i) {
      const auto latent = latents[i].object<LatentObject>();
      const List* entries = conditioning[i].if_list();
      if (!latent || latent->samples.dim() < 4) throw InvalidInput("latents: got " + latents[i].type_name());
      if (!entries) throw InvalidInput("conditioning: got " + conditioning[i].type_name());
      add(buckets, latent->samples, *entries);
    }
    List batches, texts;
    for (auto& bucket : buckets) {
      LatentObject batch;
      batch.samples = concat(bucket.samples, 0);
      batches.push_back(latent_value(std::move(batch)));
      texts.push_back(Value::list(std::move(bucket.entries)));
    }
    return {Value::list(std::move(batches)), Value::list(std::move(texts))};
  }

 private:
  /// Buckets stand in the order of their first latent.
  struct Bucket {
    std::vector<at::Tensor> samples;
    List entries;
  };
  static void add(std::vector<Bucket>& buckets, const at::Tensor& samples, const List& entries) {
    const auto items = static_cast<std::size_t>(samples.size(0));
    if (entries.size() < items)
      throw InvalidInput("conditioning: " + std::to_string(entries.size()) + " entries for a batch of " + std::to_string(items));
    Bucket* bucket = nullptr;
    for (auto& one : buckets)
      if (one.samples[0].size(-1) == samples.size(-1) && one.samples[0].size(-2) == samples.size(-2)) bucket = &one;
    if (!bucket) bucket = &buckets.emplace_back();
    if (!bucket->samples.empty() && bucket->samples[0].sizes().slice(1) != samples.sizes().slice(1))
      throw InvalidInput("latents: " + describe(samples) + " doesn't fit " + describe(bucket->samples[0]));
    bucket->samples.push_back(samples);
    bucket->entries.insert(bucket->entries.end(), entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(items));
  }
};

}  // namespace

void register_dataset_list_nodes(Registry& registry) {
  registry.add<ShuffleDataset>();
  registry.add<ShuffleImageTextDataset>();
  registry.add<MergeImageLists>();
  registry.add<ImageDeduplication>();
  registry.add<ImageGrid>();
  registry.add<ResolutionBucket>();
}

}  // namespace darkroom
