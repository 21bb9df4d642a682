// LoadImage, LoadImageMask, LoadImageOutput: where pictures enter a graph.

#include <ATen/ops/rsub.h>
#include <ATen/ops/zeros.h>

#include <fstream>

#include "base/hash.hpp"
#include "imaging/decode.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/image_bytes.hpp"
#include "storage/folders.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

std::string read_file(const std::filesystem::path& path, const std::string& name) {
  std::error_code fault;
  const auto size = std::filesystem::file_size(path, fault);
  std::ifstream file(path, std::ios::binary);
  if (fault || !file) throw NotFound("Invalid image file: " + name);
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

imaging::Picture load(const Inputs& in, const Context& context) {
  const std::string& name = in.text("image");
  return imaging::decode(read_file(context.folders().annotated(name), name), name);
}

/// The file's content decides whether the node runs again.
json::value content_hash(const Inputs& constants, const Folders& folders) {
  return json::value(sha256_hex_of_file(folders.annotated(constants.text("image")).string()));
}

at::Tensor plane(const std::vector<std::uint8_t>& bytes, const imaging::Picture& picture) {
  return image_from_bytes(bytes.data(), {picture.frames, picture.height, picture.width});
}

/// What a file without alpha gives as its mask.
at::Tensor no_mask(std::int64_t frames) { return at::zeros({frames, 64, 64}, at::kFloat); }

Combo picture_choice(json::object options) {
  Combo choice = files("image");
  choice.must_exist = true;
  choice.common.extra = std::move(options);
  return choice;
}

Combo channel_choice() {
  Combo choice{"alpha", "red", "green", "blue"};
  choice.common.bare = true;
  return choice;
}

/// IMAGE [B,H,W,3] of all frames, and MASK: 1 - alpha, or 64x64 zeros a frame.
class LoadImage : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LoadImage", Form::kV1).display_name("Load Image").category("image")
        .input("image", picture_choice({{"image_upload", true}}))
        .output(Image{}).output(Mask{});
  }
  static json::value fingerprint(const Inputs& constants, const Folders& folders) { return content_hash(constants, folders); }
  Outputs run(const Inputs& in, Context& context) override {
    const imaging::Picture picture = load(in, context);
    const at::Tensor image = image_from_bytes(picture.rgb.data(), {picture.frames, picture.height, picture.width, 3});
    const at::Tensor mask = picture.alpha ? at::rsub(plane(*picture.alpha, picture), 1) : no_mask(picture.frames);
    return {tensor_value(image), tensor_value(mask)};
  }
};

/// The same from the output folder; its list comes from the editor's own request.
class LoadImageOutput final : public LoadImage {
 public:
  static NodeSchema schema() {
    Combo choice;
    choice.new_form = true;
    choice.must_exist = true;
    choice.common.extra = {{"image_upload", true}, {"image_folder", "output"},
                           {"remote", json::object{{"route", "/internal/files/output"}, {"refresh_button", true}, {"control_after_refresh", "first"}}}};
    return NodeSchema("LoadImageOutput", Form::kV1).display_name("Load Image (from Outputs)").category("image").experimental()
        .description("Loads an image that an earlier job saved.")
        .input("image", choice)
        .output(Image{}).output(Mask{});
  }
};

/// One channel of a picture as a mask; alpha is inverted, as LoadImage does.
class LoadImageMask final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LoadImageMask", Form::kV1).display_name("Load Image (as Mask)").category("mask")
        .input("image", picture_choice({{"image_upload", true}}))
        .input("channel", channel_choice())
        .output(Mask{});
  }
  static json::value fingerprint(const Inputs& constants, const Folders& folders) { return content_hash(constants, folders); }
  Outputs run(const Inputs& in, Context& context) override {
    const imaging::Picture picture = load(in, context);
    const std::string& channel = in.choice("channel");
    if (channel == "alpha")
      return {tensor_value(picture.alpha ? at::rsub(plane(*picture.alpha, picture), 1).narrow(0, 0, 1) : no_mask(1))};
    const std::int64_t index = channel == "red" ? 0 : channel == "green" ? 1 : 2;
    const at::Tensor image = image_from_bytes(picture.rgb.data(), {picture.frames, picture.height, picture.width, 3});
    return {tensor_value(image.narrow(0, 0, 1).select(3, index).contiguous())};
  }
};

}  // namespace

void register_load_image_nodes(Registry& registry) {
  registry.add<LoadImage>();
  registry.add<LoadImageMask>();
  registry.add<LoadImageOutput>();
}

}  // namespace darkroom
