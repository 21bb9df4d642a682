// UpscaleModelLoader and ImageUpscaleWithModel: super-resolution networks out of models/upscale_models.

#include "nodes/upscale_model.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "restore/tiling.hpp"
#include "storage/folders.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

const Upscaler& UpscaleModel::network() const {
  const std::lock_guard lock(mutex_);
  if (!network_) {
    network_ = make_upscaler(*weights_, compute_);
    bytes_ = static_cast<std::size_t>(network_->bytes());
    weights_.reset();  // the map of the file goes with it
  }
  return *network_;
}

std::shared_ptr<const UpscaleModel> UpscaleModels::load(const std::filesystem::path& path, const Compute& compute) {
  const Key key{path.string(), std::filesystem::last_write_time(path).time_since_epoch().count(), std::filesystem::file_size(path), compute.dtype};
  const std::lock_guard lock(mutex_);
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
  if (found == entries_.end()) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.first.path == key.path; });  // the file was replaced
    entries_.emplace_front(key, std::make_shared<UpscaleModel>(read_upscaler(path), compute));
  } else {
    entries_.splice(entries_.begin(), entries_, found);
  }
  const auto model = entries_.front().second;
  std::size_t bytes = 0, kept = 0;
  std::erase_if(entries_, [&](const auto& entry) {
    bytes += entry.second->bytes();
    return kept++ > 0 && (kept > kMostModels || bytes > kMostBytes);
  });
  return model;
}

namespace {

class UpscaleModelLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("UpscaleModelLoader", Form::kV3).module("comfy_extras.nodes_upscale_model").category("loaders")
        .display_name("Load Upscale Model")
        .input("model_name", models("upscale_models"))
        .output("UPSCALE_MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto& name = in.choice("model_name");
    const auto path = context.folders().find_model("upscale_models", name);
    if (!path) throw NotFound("Model in folder 'upscale_models' with filename '" + name + "' not found.");
    const auto cache = std::static_pointer_cast<UpscaleModels>(context.shared("upscale_models", [] { return std::make_shared<UpscaleModels>(); }));
    return {cache->load(*path, {.dtype = context.bf16() ? at::kBFloat16 : at::kFloat})};
  }
};

class ImageUpscaleWithModel final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageUpscaleWithModel", Form::kV3).module("comfy_extras.nodes_upscale_model").category("image/upscaling")
        .display_name("Upscale Image (using Model)")
        .input("upscale_model", Socket{"UPSCALE_MODEL"}).input("image", Image{})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<UpscaleModel>("upscale_model");
    const auto image = in.image("image");
    context.check();
    return {tensor_value(upscale_tiled(model->network(), image, {}, [&](auto value, auto max) { context.progress(value, max); }, [&] { context.check(); }))};
  }
};

}  // namespace

void register_upscale_nodes(Registry& registry) {
  registry.add<UpscaleModelLoader>();
  registry.add<ImageUpscaleWithModel>();
}

}  // namespace darkroom
