// Nodes of the category dataset/image that change each picture.

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "nodes/all_nodes.hpp"
#include "nodes/dataset_images.hpp"
#include "nodes/shuffling.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kMostPixels = 8192;  // of a side

NodeSchema image_schema(const char* node_class, const char* display_name) {
  return NodeSchema(node_class, Form::kV3).module("comfy_extras.nodes_dataset").category("dataset/image").display_name(display_name).experimental()
      .input("images", Image{})
      .output(Image{}, "images");
}

Int side(std::int64_t value) { return {.value = value, .min = 1, .max = kMostPixels}; }

at::Tensor picture(const Inputs& in) {
  const at::Tensor images = in.image("images");
  if (images.numel() == 0) throw InvalidInput("images: an empty picture " + describe(images));
  return images;
}

class ResizeImagesByShorterEdge final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("ResizeImagesByShorterEdge", "Resize Images by Shorter Edge").input("shorter_edge", side(512));
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(resize_by_edge(picture(in), in.integer("shorter_edge"), true))}; }
};

class ResizeImagesByLongerEdge final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("ResizeImagesByLongerEdge", "Resize Images by Longer Edge").input("longer_edge", side(1024));
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(resize_by_edge(picture(in), in.integer("longer_edge"), false))}; }
};

/// A size that fits into the picture.
struct CropSize {
  CropSize(const Inputs& in, const at::Tensor& images)
      : width(std::clamp<std::int64_t>(in.integer("width"), 1, images.size(2))), height(std::clamp<std::int64_t>(in.integer("height"), 1, images.size(1))) {}
  std::int64_t width, height;
};

class CenterCropImages final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("CenterCropImages", "Center Crop Images").input("width", side(512)).input("height", side(512));
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor images = picture(in);
    const CropSize size(in, images);
    return {tensor_value(crop_bytes(images, (images.size(2) - size.width) / 2, (images.size(1) - size.height) / 2, size.width, size.height))};
  }
};

/// The same place for the same seed and size.
class RandomCropImages final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("RandomCropImages", "Random Crop Images")
        .input("width", side(512)).input("height", side(512))
        .input("seed", Int{.value = 0, .min = 0, .max = UINT64_MAX});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor images = picture(in);
    const CropSize size(in, images);
    LegacyRandom random(in.seed("seed"));
    const std::int64_t left = random.up_to(static_cast<std::uint32_t>(images.size(2) - size.width));
    const std::int64_t top = random.up_to(static_cast<std::uint32_t>(images.size(1) - size.height));
    return {tensor_value(crop_bytes(images, left, top, size.width, size.height))};
  }
};

class NormalizeImages final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("NormalizeImages", "Normalize Images").description("(image - mean) / std.")
        .input("mean", Float{.value = 0.5, .min = 0.0, .max = 1.0}).input("std", Float{.value = 0.5, .min = 0.001, .max = 1.0});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value((in.image("images") - in.number("mean")) / in.number("std"))}; }
};

class AdjustBrightness final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("AdjustBrightness", "Adjust Brightness").input("factor", Float{.value = 1.0, .min = 0.0, .max = 2.0});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value((in.image("images") * in.number("factor")).clamp_(0, 1))}; }
};

/// Stretches around middle grey.
class AdjustContrast final : public Node {
 public:
  static NodeSchema schema() {
    return image_schema("AdjustContrast", "Adjust Contrast").input("factor", Float{.value = 1.0, .min = 0.0, .max = 2.0});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(((in.image("images") - 0.5) * in.number("factor") + 0.5).clamp_(0, 1))};
  }
};

}  // namespace

void register_dataset_image_nodes(Registry& registry) {
  registry.add<ResizeImagesByShorterEdge>();
  registry.add<ResizeImagesByLongerEdge>();
  registry.add<CenterCropImages>();
  registry.add<RandomCropImages>();
  registry.add<NormalizeImages>();
  registry.add<AdjustBrightness>();
  registry.add<AdjustContrast>();
}

}  // namespace darkroom
