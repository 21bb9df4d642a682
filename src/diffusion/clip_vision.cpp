#include "diffusion/clip_vision.hpp"

#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>

#include <array>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "diffusion/clip_vision_names.hpp"
#include "tensor/attention.hpp"
#include "tensor/concat.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {
namespace {

constexpr std::array<float, 3> kMean{0.48145466F, 0.4578275F, 0.40821073F}, kDeviation{0.26862954F, 0.26130258F, 0.27577711F};  // as OpenAI published them
constexpr double kQuickGelu = 1.702;
/// OpenAI's encoders have heads of 64 and the quick GELU; the wider ones, OpenCLIP's, have 16 heads and the exact one.
constexpr std::int64_t kWidestOfOpenAi = 1024, kHeadWidth = 64, kHeadsOfOpenClip = 16;
constexpr std::int64_t kPicturesAtOnce = 8;  // bounds what a long batch takes beside its own states

std::string number(std::int64_t i) { return std::to_string(i); }

class VisionLayer {
 public:
  VisionLayer(const Weights& weights, const Compute& compute)
      : norm1_(weights.below("layer_norm1."), compute), norm2_(weights.below("layer_norm2."), compute), query_(weights.below("self_attn.q_proj."), compute),
        key_(weights.below("self_attn.k_proj."), compute), value_(weights.below("self_attn.v_proj."), compute), out_(weights.below("self_attn.out_proj."), compute),
        wide_(weights.below("mlp.fc1."), compute), narrow_(weights.below("mlp.fc2."), compute) {
    const auto width = query_.in();
    if (query_.out() != width || key_.in() != width || key_.out() != width || value_.in() != width || value_.out() != width || out_.in() != width || out_.out() != width || wide_.in() != width ||
        narrow_.in() != wide_.out() || narrow_.out() != width)
      throw InvalidInput("the vision encoder's " + weights.prefix() + "* are layers of different widths");
  }
  at::Tensor run(at::Tensor x) const {
    const bool open_ai = query_.in() <= kWidestOfOpenAi;
    const auto heads = open_ai ? query_.in() / kHeadWidth : kHeadsOfOpenClip;
    const auto normed = norm1_(x);
    x = out_.plus(attention(query_(normed), key_(normed), value_(normed), heads), std::move(x));
    const auto wide = wide_(norm2_(x));
    return narrow_.plus(open_ai ? wide.mul(at::sigmoid(wide.mul(kQuickGelu))) : at::gelu(wide), std::move(x));
  }

 private:
  LayerNorm norm1_, norm2_;
  Linear query_, key_, value_, out_, wide_, narrow_;
};

/// [B,3,S,S] as rows of patches [B,(S/p)^2,3*p*p], each as a convolution's kernel lies.
at::Tensor patches_of(const at::Tensor& pixels, std::int64_t patch) {
  const auto grid = pixels.size(2) / patch;
  return pixels.reshape({pixels.size(0), 3, grid, patch, grid, patch}).permute({0, 2, 4, 1, 3, 5}).reshape({pixels.size(0), grid * grid, 3 * patch * patch});
}

}  // namespace

ClipVision::ClipVision(Weights weights, at::Device device) : weights_(std::move(weights)), device_(device) {
  const auto fault = [](const std::string& what) { return InvalidInput("the vision encoder " + what); };
  const auto embeddings = weights_.below("vision_model.embeddings.");
  for (const char* name : {"patch_embedding.weight", "position_embedding.weight", "class_embedding"})
    if (!embeddings.has(name)) throw fault("has no tensor " + embeddings.prefix() + name);
  const auto &kernel = embeddings.raw("patch_embedding.weight"), &positions = embeddings.raw("position_embedding.weight");
  if (kernel.dim() != 4 || kernel.size(1) != 3 || kernel.size(2) != kernel.size(3) || kernel.size(2) < 1) throw fault("has a patch_embedding.weight of shape " + shape_text(kernel));
  width_ = kernel.size(0), patch_ = kernel.size(2);
  if (positions.dim() != 2 || positions.size(1) != width_ || positions.size(0) < 2) throw fault("has a position_embedding.weight of shape " + shape_text(positions));
  grid_ = std::llround(std::sqrt(static_cast<double>(positions.size(0) - 1)));
  if (grid_ * grid_ + 1 != positions.size(0) || grid_ * patch_ > 4096) throw fault("has positions for " + number(positions.size(0)) + " tokens, which are no square of patches and one more");
  if (embeddings.raw("class_embedding").numel() != width_) throw fault("has a class_embedding of shape " + shape_text(embeddings.raw("class_embedding")));
  while (weights_.has("vision_model.encoder.layers." + number(layers_) + ".layer_norm1.weight")) ++layers_;
  if (layers_ < 2) throw fault("has " + number(layers_) + " layers");
  const auto heads = width_ <= kWidestOfOpenAi ? width_ / kHeadWidth : kHeadsOfOpenClip;
  if (heads < 1 || width_ % heads != 0) throw fault("has a width of " + number(width_) + ", which " + number(heads) + " heads do not divide");
}

EncodedPicture ClipVision::encode(const at::Tensor& image, bool crop, const std::function<void()>& check) const {
  const Compute compute{.device = device_};
  const auto model = weights_.below("vision_model."), embeddings = model.below("embeddings.");
  const auto pixels = clip_pixels(image, picture_side(), crop).to(device_);
  const auto batch = pixels.size(0);

  const Linear patches(embeddings.get("patch_embedding.weight").reshape({width_, -1}), embeddings.has("patch_embedding.bias") ? embeddings.get("patch_embedding.bias") : at::Tensor(), compute);
  const auto whole = embeddings.get("class_embedding").to(device_).to(at::kFloat).reshape({1, 1, width_}).expand({batch, 1, width_});
  auto x = concat({whole, patches(patches_of(pixels, patch_))}, 1).add_(embeddings.get("position_embedding.weight").to(device_).to(at::kFloat));
  x = LayerNorm(model.below("pre_layrnorm."), compute)(x);  // so spelt in the files

  EncodedPicture result;
  for (std::int64_t i = 0; i < layers_; ++i) {
    if (i + 1 == layers_) result.penultimate = x.clone();
    const VisionLayer layer(model.below("encoder.layers." + number(i) + "."), compute);
    for (std::int64_t first = 0; first < batch; first += kPicturesAtOnce) {
      if (check) check();
      auto some = x.narrow(0, first, std::min(kPicturesAtOnce, batch - first));
      some.copy_(layer.run(some.clone()));
    }
  }
  result.last = x.cpu();
  result.penultimate = result.penultimate.cpu();
  result.embedding = LayerNorm(model.below("post_layernorm."), compute)(x.select(1, 0));
  if (weights_.has("visual_projection.weight")) result.embedding = Linear(weights_.below("visual_projection."), compute)(result.embedding);
  result.embedding = result.embedding.cpu();
  return result;
}

at::Tensor clip_pixels(const at::Tensor& image, std::int64_t side, bool crop) {
  if (image.dim() != 4 || image.numel() == 0) throw InvalidInput("CLIP vision: expected pictures [B,H,W,C], got " + shape_text(image));
  auto pixels = (image.size(3) < 3 ? image.narrow(3, 0, 1).expand({-1, -1, -1, 3}) : image.narrow(3, 0, 3)).permute({0, 3, 1, 2}).to(at::kFloat).contiguous();
  if (pixels.size(2) != side || pixels.size(3) != side) {
    auto height = side, width = side;
    if (crop) {
      const double scale = static_cast<double>(side) / static_cast<double>(std::min(pixels.size(2), pixels.size(3)));
      height = std::llrint(scale * static_cast<double>(pixels.size(2))), width = std::llrint(scale * static_cast<double>(pixels.size(3)));  // half to even
    }
    pixels = at::_upsample_bicubic2d_aa(pixels, {height, width}, /*align_corners=*/false);
    pixels = pixels.narrow(2, (height - side) / 2, side).narrow(3, (width - side) / 2, side);
  }
  pixels = pixels.mul(255.0).clamp(0, 255).round().div(255.0);
  const auto channels = [](const std::array<float, 3>& values) { return at::tensor(at::ArrayRef<float>(values)).reshape({3, 1, 1}); };
  return pixels.sub(channels(kMean)).div(channels(kDeviation));
}

std::shared_ptr<const ClipVision> load_clip_vision(const std::shared_ptr<const StateDict>& tensors, at::Device device) {
  auto found = find_clip_vision(*tensors);
  if (!found) return nullptr;
  return std::make_shared<const ClipVision>(Weights(std::make_shared<const StateDict>(std::move(*found))), device);
}

}  // namespace darkroom
