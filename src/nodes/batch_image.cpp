// ImageBatch, BatchImagesNode, RepeatImageBatch, ImageFromBatch, RebatchImages: pictures in batches.


#include <algorithm>

#include "nodes/all_nodes.hpp"
#include "nodes/image_size.hpp"
#include "nodes/limits.hpp"
#include "tensor/concat.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

class ImageBatch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageBatch", Form::kV1).display_name("Batch Images").category("image").deprecated()
        .input("image1", Image{.common = {.bare = true}}).input("image2", Image{.common = {.bare = true}})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(batch_images({in.image("image1"), in.image("image2")}, "bilinear"))}; }
};

/// The same for 2 to 50 images.
class BatchImagesNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("BatchImagesNode", Form::kV3).module("comfy_extras.nodes_post_processing").display_name("Batch Images").category("image")
        .input("images", Autogrow{.member = "image", .of = {.type = "IMAGE", .common = {}}, .prefix = "image", .min = 2, .max = 50})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    std::vector<at::Tensor> images;
    if (const auto* items = in.at("images").if_dict())
      for (const auto& [name, value] : *items) {
        Inputs one;
        one.set(name, value);
        images.push_back(one.image(name));
      }
    return {tensor_value(batch_images(images, "bilinear"))};
  }
};

class RepeatImageBatch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RepeatImageBatch", Form::kV3).module("comfy_extras.nodes_images").category("image/batch")
        .input("image", Image{}).input("amount", Int{.value = 1, .min = 1, .max = 4096})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const std::int64_t amount = in.integer("amount");
    check_tensor_size("RepeatImageBatch", {amount, image.numel()});
    return {tensor_value(image.repeat({amount, 1, 1, 1}))};
  }
};

/// `length` images from `batch_index` on, as far as there are so many.
class ImageFromBatch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageFromBatch", Form::kV3).module("comfy_extras.nodes_images").category("image/batch")
        .input("image", Image{})
        .input("batch_index", Int{.value = 0, .min = 0, .max = 4095})
        .input("length", Int{.value = 1, .min = 1, .max = 4096})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const std::int64_t first = std::min(image.size(0) - 1, in.integer("batch_index"));
    return {tensor_value(image.narrow(0, first, std::min(image.size(0) - first, in.integer("length"))).clone())};
  }
};

/// All images of the lists that come in, in batches of `batch_size`; the last one may be smaller.
class RebatchImages final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RebatchImages", Form::kV3).module("comfy_extras.nodes_rebatch").display_name("Rebatch Images").category("image/batch")
        .input_is_list()
        .input("images", Image{}).input("batch_size", Int{.value = 1, .min = 1, .max = 4096})
        .output("IMAGE", "", true);
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto batch_size = static_cast<std::size_t>(std::max<std::int64_t>(1, in.list("batch_size").at(0).as_int()));
    std::vector<at::Tensor> single;
    for (const Value& value : in.list("images")) {
      Inputs one;
      one.set("images", value);
      for (const at::Tensor& image : one.image("images").split(1)) single.push_back(image);
    }
    List batches;
    for (std::size_t i = 0; i < single.size(); i += batch_size) {
      const auto first = single.begin() + static_cast<std::ptrdiff_t>(i);
      const std::vector<at::Tensor> group(first, first + static_cast<std::ptrdiff_t>(std::min(batch_size, single.size() - i)));
      for (const at::Tensor& image : group)
        if (image.sizes() != group[0].sizes()) throw InvalidInput("images of different sizes can't be in one batch: " + describe(group[0]) + " and " + describe(image));
      batches.push_back(tensor_value(concat(group)));
    }
    return {Value::list(std::move(batches))};
  }
};

}  // namespace

void register_batch_image_nodes(Registry& registry) {
  registry.add<ImageBatch>();
  registry.add<BatchImagesNode>();
  registry.add<RepeatImageBatch>();
  registry.add<ImageFromBatch>();
  registry.add<RebatchImages>();
}

}  // namespace darkroom
