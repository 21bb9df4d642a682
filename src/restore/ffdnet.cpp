#include "restore/ffdnet.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/replication_pad2d.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "restore/shapes.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kFactor = 2, kPlaces = kFactor * kFactor;  // it works on pixels put together two by two

/// Convolutions and ReLUs are numbered together.
std::string layer_name(std::int64_t layer) { return "model." + std::to_string(2 * layer); }

}  // namespace

DenoiserWeights recognise_denoiser(StateDict tensors) {
  std::int64_t layers = 0;
  while (tensors.contains(layer_name(layers) + ".weight")) ++layers;
  if (layers < 2) throw InvalidInput("its tensors belong to no denoiser that is supported (FFDNet)");
  DenoiserWeights weights;
  const auto first = sizes_of(tensors, layer_name(0) + ".weight", 4), last = sizes_of(tensors, layer_name(layers - 1) + ".weight", 4);
  const DenoiserInfo info{last[0] / kPlaces, first[0], layers};
  if (info.channels != 1 && info.channels != 3) throw InvalidInput("an FFDNet network of " + std::to_string(last[0]) + " outputs: neither colour nor grey");
  ShapeCheck shapes(tensors);
  // One plane more than the picture has says how strong the noise is.
  shapes.expect_conv(layer_name(0), info.features, info.channels * kPlaces + 1);
  for (std::int64_t i = 1; i + 1 < layers; ++i) shapes.expect_conv(layer_name(i), info.features, info.features);
  shapes.expect_conv(layer_name(layers - 1), info.channels * kPlaces, info.features);
  shapes.finish();
  weights.info = info;
  weights.tensors = std::move(tensors);
  return weights;
}

DenoiserWeights read_denoiser(const std::filesystem::path& path) {
  auto tensors = load_checkpoint(path);
  try {
    return recognise_denoiser(std::move(tensors));
  } catch (const InvalidInput& error) {
    throw InvalidInput(path.filename().string() + ": " + error.what());
  }
}

FfdNet::FfdNet(const DenoiserWeights& weights, const Compute& compute) : info_(weights.info), options_(at::TensorOptions().device(compute.device).dtype(compute.dtype)) {
  for (std::int64_t i = 0; i < info_.layers; ++i)
    layers_.emplace_back(weights.tensors.at(layer_name(i) + ".weight"), weights.tensors.at(layer_name(i) + ".bias"), i + 1 < info_.layers ? Activation::leaky(0) : Activation::none(), compute);
}

at::Tensor FfdNet::forward(const at::Tensor& image, double sigma, const LayerCheck& check) const {
  if (image.dim() != 4 || image.size(0) != 1 || image.size(1) != info_.channels) throw InvalidInput("denoise: the network takes one picture of " + std::to_string(info_.channels) + " channels");
  const auto height = image.size(2), width = image.size(3);
  auto x = image.to(options_);
  if (height % kFactor || width % kFactor) x = at::replication_pad2d(x, {0, width % kFactor, 0, height % kFactor});
  x = at::pixel_unshuffle(x, kFactor);
  x = concat({x, at::full({1, 1, x.size(2), x.size(3)}, sigma, options_)}, 1).contiguous(at::MemoryFormat::ChannelsLast);
  std::array<at::Tensor, 2> room;  // results of the layers in turn
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    check();
    x = layers_[i](x, room[i % 2]);
    room[i % 2] = x;
  }
  return at::pixel_shuffle(x.to(at::kCPU, at::kFloat), kFactor).slice(2, 0, height).slice(3, 0, width);
}

std::int64_t FfdNet::bytes() const {
  std::int64_t sum = 0;
  for (const auto& layer : layers_) sum += layer.bytes();
  return sum;
}

}  // namespace darkroom
