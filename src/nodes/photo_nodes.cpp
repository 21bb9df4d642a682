// RestoreLoad, RestoreSave: where a photograph enters and leaves a restoration, with all that its file says of it.

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>

#include <fstream>

#include "base/hash.hpp"
#include "imaging/photo.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/image_saving.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// PHOTO: what a result gets from its original.
struct PhotoObject final : Object {
  std::string describe() const override { return "<photo of " + std::to_string(metadata.depth) + " bits>"; }
  std::size_t bytes() const override { return metadata.exif.size() + (alpha.defined() ? alpha.nbytes() : 0); }
  imaging::PhotoMetadata metadata;
  at::Tensor alpha;  ///< float32 [H,W]; not defined for none
};

std::string read_file(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw NotFound("Invalid image file: " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Reads a photograph for restoration: colours as sRGB at the file's own depth, upright.
class RestoreLoad final : public Node {
 public:
  static NodeSchema schema() {
    Combo choice = files("image");
    choice.must_exist = true;
    choice.common.extra = {{"image_upload", true}};
    return NodeSchema("RestoreLoad", Form::kV1).display_name("Load Photo").category("image/restoration")
        .description("Loads a photograph with its metadata: the colours are taken from its profile to sRGB, 16 bits stay 16 bits.")
        .input("image", choice)
        .output(Image{}).output(Mask{}).output("PHOTO");
  }
  static json::value fingerprint(const Inputs& constants, const Folders& folders) {
    return json::value(sha256_hex_of_file(folders.annotated(constants.text("image")).string()));
  }
  Outputs run(const Inputs& in, Context& context) override {
    const std::string& name = in.text("image");
    imaging::Photo photo = imaging::read_photo(read_file(context.folders().annotated(name), name), name);
    context.check();
    const at::Tensor image = at::from_blob(photo.rgb.data(), {1, photo.height, photo.width, 3}, at::kFloat).clone();
    auto object = std::make_shared<PhotoObject>();
    object->metadata = std::move(photo.metadata);
    at::Tensor mask = at::zeros({1, 64, 64}, at::kFloat);
    if (!photo.alpha.empty()) {
      object->alpha = at::from_blob(photo.alpha.data(), {photo.height, photo.width}, at::kFloat).clone();
      mask = at::rsub(object->alpha, 1).unsqueeze(0);
    }
    return {tensor_value(image), tensor_value(mask), Value(std::shared_ptr<const Object>(object))};
  }
};

/// IMAGE [H,W,C] with alpha of any size as [H,W,4]; without alpha as [H,W,3].
at::Tensor with_alpha(const at::Tensor& picture, const at::Tensor& alpha) {
  const at::Tensor colours = picture.narrow(2, 0, 3);
  if (!alpha.defined()) return colours.contiguous();
  const std::int64_t height = picture.size(0), width = picture.size(1);
  const bool same = alpha.size(0) == height && alpha.size(1) == width;
  const at::Tensor fitted = same ? alpha : at::upsample_bilinear2d(alpha.unsqueeze(0).unsqueeze(0), {height, width}, false)[0][0];
  at::Tensor all = at::empty({height, width, 4}, at::kFloat);
  all.narrow(2, 0, 3).copy_(colours);
  all.select(2, 3).copy_(fitted);
  return all;
}

/// Saves a restored photograph as PNG with what its original's file said.
class RestoreSave final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RestoreSave", Form::kV1).display_name("Save Photo").category("image/restoration").output_node()
        .description("Saves as PNG in sRGB, 16 bits where the original had them, with its alpha and its EXIF but for orientation, thumbnail and place. "
                     "XMP says how the picture came to be. It holds no workflow.")
        .input("images", Image{})
        .input("filename_prefix", String{.value = "restored"})
        .optional("photo", Socket{"PHOTO"})
        .optional("keep_gps", Boolean{.value = false, .common = {.tooltip = "Keep where the picture was taken."}})
        .optional("ai_colors", Boolean{.value = false, .common = {.tooltip = "A network made the colours: XMP says so."}})
        .optional("made_by", String{.value = "", .common = {.tooltip = "Name of that network, for XMP."}});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor images = in.image("images").cpu();
    const int height = static_cast<int>(images.size(1)), width = static_cast<int>(images.size(2));
    if (images.size(3) < 3) throw InvalidInput("images: expected RGB images, got " + describe(images));
    const auto photo = in.given("photo") ? in.object<PhotoObject>("photo") : std::make_shared<const PhotoObject>();
    const imaging::PhotoWriting writing{in.boolean_or("keep_gps", false), in.boolean_or("ai_colors", false), in.text_or("made_by", "")};
    const SaveTarget target = save_target(context.folders().output, in.text_or("filename_prefix", "restored"), width, height);
    json::array entries;
    for (std::int64_t i = 0; i < images.size(0); ++i) {
      context.check();
      const at::Tensor picture = with_alpha(images[i], photo->alpha);
      const std::string png = imaging::write_photo(picture.const_data_ptr<float>(), width, height, static_cast<int>(picture.size(2)), photo->metadata, writing);
      std::string name = numbered(target.name, static_cast<int>(i), target.counter + static_cast<int>(i), "png");
      write_file(target.folder / name, png);
      entries.push_back(saved_entry(std::move(name), target.subfolder, "output"));
      context.progress(i + 1, images.size(0));
    }
    return Outputs().show("images", std::move(entries));
  }
};

}  // namespace

void register_photo_nodes(Registry& registry) {
  registry.add<RestoreLoad>();
  registry.add<RestoreSave>();
}

}  // namespace darkroom
