// The autoencoders that files hold, and the one that needs none.

#include <algorithm>

#include "base/error.hpp"
#include "diffusion/vae.hpp"
#include "diffusion/vae_kl.hpp"
#include "diffusion/vae_names.hpp"
#include "tensor/packed.hpp"

namespace darkroom {
namespace {

/// About how many bytes a half's weights have when packed: in float32 a 3x3 kernel becomes 36 numbers (tensor/winograd.hpp).
std::size_t packed_bytes(const Weights& weights, const std::string& half, const Compute& compute) {
  std::size_t sum = 0;
  weights.below(half).each([&](const std::string&, const at::Tensor& tensor) {
    const bool three = tensor.dim() == 4 && tensor.size(2) == 3 && compute.dtype == at::kFloat;
    sum += static_cast<std::size_t>(tensor.numel()) * c10::elementSize(compute.dtype) * (three ? 4 : 1);
  });
  return sum;
}

class KlVae final : public Vae {
 public:
  KlVae(Weights weights, const Compute& compute) : weights_(std::move(weights)), shape_(read_kl_shape(weights_)), compute_(compute) {
    info_.architecture = "KL-f" + std::to_string(shape_.downscale);
    info_.latent_channels = shape_.latent_channels;
    info_.downscale = shape_.downscale;
  }

  const VaeInfo& info() const override { return info_; }
  std::size_t bytes() const override { return encoder_.bytes() + decoder_.bytes(); }
  StateDict state_dict() const override {
    StateDict all;
    for (const std::string part : {"encoder.", "decoder.", "quant_conv.", "post_quant_conv."})
      weights_.below(part).each([&](const std::string& name, const at::Tensor& tensor) { all.emplace(part + name, tensor); });
    return all;
  }
  void drop() const override {
    encoder_.drop();
    decoder_.drop();
  }

 protected:
  std::size_t make_room(std::size_t bytes) const override {
    if (!compute_.budget) return 0;
    const auto own = this->bytes();
    const auto given = compute_.budget->drop_unused(bytes);
    return given - (own - this->bytes());
  }
  at::Tensor decode_one(const at::Tensor& latent, const std::function<void()>& check) const override {
    if (!shape_.has_decoder) throw InvalidInput("VAE: the file has no decoder");
    const auto decoder = decoder_.acquire();
    return (*decoder)(latent, check).add_(1).div_(2);
  }
  at::Tensor encode_one(const at::Tensor& image, const std::function<void()>& check) const override {
    if (!shape_.has_encoder) throw InvalidInput("VAE: the file has no encoder");
    const auto encoder = encoder_.acquire();
    // The mean: the same picture gives the same latent.
    return (*encoder)(image.mul(2).sub_(1), check).narrow(1, 0, info_.latent_channels);
  }
  std::size_t decode_need(std::int64_t height, std::int64_t width) const override { return need(shape_.up, height, width); }
  std::size_t encode_need(std::int64_t height, std::int64_t width) const override { return need(shape_.down, height, width); }

 private:
  /// The stages run over pictures of falling (encoder) or rising size; the widest one at its size decides.
  std::size_t need(const std::vector<KlStage>& stages, std::int64_t height, std::int64_t width) const {
    const bool rising = &stages == &shape_.up;
    std::int64_t scale = rising ? shape_.downscale : 1, most = 0;
    for (const auto& stage : stages) {
      // Input, its norm and conv1's result, or input, conv1's result and its norm.
      most = std::max(most, (stage.in + std::max(stage.in + stage.out, 2 * stage.out)) * (height / scale) * (width / scale));
      if (stage.resamples) scale = rising ? scale / 2 : scale * 2;
    }
    return static_cast<std::size_t>(most) * c10::elementSize(compute_.dtype);
  }

  Weights weights_;
  KlShape shape_;
  Compute compute_;
  VaeInfo info_;
  Packed<kl::Encoder> encoder_{compute_.budget, packed_bytes(weights_, "encoder.", compute_), [this] { return std::make_shared<const kl::Encoder>(weights_, shape_, compute_); }};
  Packed<kl::Decoder> decoder_{compute_.budget, packed_bytes(weights_, "decoder.", compute_), [this] { return std::make_shared<const kl::Decoder>(weights_, shape_, compute_); }};
};

class PixelSpaceVae final : public Vae {
 public:
  const VaeInfo& info() const override {
    static const VaeInfo info{.architecture = "pixel space", .latent_channels = 3, .downscale = 1};
    return info;
  }
  std::size_t bytes() const override { return 0; }
  StateDict state_dict() const override { return {{"pixel_space_vae", at::ones({1}, at::kFloat)}}; }
  void drop() const override {}

 protected:
  at::Tensor decode_one(const at::Tensor& latent, const std::function<void()>&) const override {
    return latent.add(1).div_(2).contiguous(at::MemoryFormat::ChannelsLast);
  }
  at::Tensor encode_one(const at::Tensor& image, const std::function<void()>&) const override { return image.mul(2).sub_(1); }
  std::size_t decode_need(std::int64_t, std::int64_t) const override { return 0; }
  std::size_t encode_need(std::int64_t, std::int64_t) const override { return 0; }
};

}  // namespace

std::shared_ptr<const Vae> load_vae(const Weights& weights, const Compute& wanted) {
  Compute compute = wanted;
  if (compute.dtype == at::kHalf) compute.dtype = at::kBFloat16;  // SDXL's activations go beyond what fp16 can hold
  auto found = find_kl_vae(weights);
  return found ? std::make_shared<KlVae>(std::move(*found), compute) : nullptr;
}

std::shared_ptr<const Vae> pixel_space_vae() { return std::make_shared<PixelSpaceVae>(); }

}  // namespace darkroom
