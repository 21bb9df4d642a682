#include "restore/upscaler.hpp"

#include <ATen/ops/upsample_bicubic2d.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "restore/cunet.hpp"
#include "restore/nafnet.hpp"
#include "restore/ncnn.hpp"
#include "restore/rrdb.hpp"
#include "restore/srmd.hpp"
#include "restore/srvgg.hpp"
#include "restore/upconv7.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

/// A network whose output is made smaller again: animevideov3 for 2x and 3x is the 4x one with bicubic interpolation
/// (half-pixel centres, a = -0.75, no antialiasing) behind it.
class Shrunk final : public Upscaler {
 public:
  Shrunk(std::unique_ptr<Upscaler> inner, const UpscalerInfo& info) : Upscaler(info), inner_(std::move(inner)) {}
  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    const auto large = inner_->forward(image, check);
    return at::upsample_bicubic2d(large, {image.size(2) * info().scale, image.size(3) * info().scale}, false);
  }

  std::int64_t bytes() const override { return inner_->bytes(); }

 private:
  std::unique_ptr<Upscaler> inner_;
};

/// What the reader asks of each family of networks, in this order.
struct Family {
  bool (*recognises)(const StateDict&);
  UpscalerInfo (*check)(const StateDict&);
  std::unique_ptr<Upscaler> (*make)(const StateDict&, const UpscalerInfo&, const Compute&);
};
constexpr Family kFamilies[] = {{is_srvgg, check_srvgg, make_srvgg},       {is_rrdb, check_rrdb, make_rrdb},
                                {is_nafnet, check_nafnet, make_nafnet},    {is_srmd, check_srmd, make_srmd},
                                {is_upconv7, check_upconv7, make_upconv7}, {is_cunet, check_cunet, make_cunet}};

const Family& family_of(const StateDict& tensors) {
  for (const auto& family : kFamilies)
    if (family.recognises(tensors)) return family;
  throw InvalidInput("its tensors belong to no upscaler that is supported (ESRGAN, Real-ESRGAN, BSRGAN; Compact; NAFNet; SRMD; waifu2x)");
}

std::unique_ptr<Upscaler> make_network(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return family_of(tensors).make(tensors, info, compute);
}

}  // namespace

std::unique_ptr<const Upscaler> Upscaler::at_noise(double) const {
  throw InvalidInput("a network of the kind " + info_.architecture + " can't be told how strong the noise is; SRMD can");
}

UpscalerWeights recognise_upscaler(StateDict tensors) {
  UpscalerWeights weights;
  weights.tensors = rename_rrdb(std::move(tensors));
  weights.info = family_of(weights.tensors).check(weights.tensors);
  return weights;
}

UpscalerWeights read_upscaler(const std::filesystem::path& path) {
  if (lower(path.extension().string()) == ".param") return read_ncnn(path);
  auto tensors = load_checkpoint(path);
  try {
    return recognise_upscaler(std::move(tensors));
  } catch (const InvalidInput& error) {
    throw InvalidInput(path.filename().string() + ": " + error.what());
  }
}

std::unique_ptr<Upscaler> make_upscaler(const UpscalerWeights& weights, const Compute& compute) {
  if (weights.shrink == 1) return make_network(weights.tensors, weights.info, compute);
  auto inner = weights.info;
  inner.scale = static_cast<int>(weights.info.scale / weights.shrink + 0.5);
  return std::make_unique<Shrunk>(make_network(weights.tensors, inner, compute), weights.info);
}

}  // namespace darkroom
