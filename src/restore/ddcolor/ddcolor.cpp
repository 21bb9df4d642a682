#include "restore/ddcolor/ddcolor.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/matmul.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

Weights checked(const DDColorWeights& weights, const std::function<void()>& check) {
  if (!check) return Weights(weights.tensors);
  return Weights(weights.tensors, {}, [check](const std::string&, const at::Tensor& weight) {
    check();
    return weight;
  });
}

at::Tensor channel_vector(const Weights& weights, const char* name) { return weights.get(name).flatten().to(at::kDouble); }

}  // namespace

DDColor::DDColor(const DDColorWeights& weights, const Compute& compute, const Compute& convolutions, const std::function<void()>& check)
    : DDColor(checked(weights, check), weights.info, compute, convolutions) {}

DDColor::DDColor(const Weights& root, const DDColorInfo& info, const Compute& compute, const Compute& convolutions)
    : info_(info),
      device_(compute.device),
      encoder_(root.below("encoder.arch."), info.depths, channel_vector(root, "mean"), channel_vector(root, "std"), compute),
      pixels_(root.below("decoder."), root.below("encoder.arch."), compute, convolutions),
      colors_(root.below("decoder."), info.layers, compute) {
  const auto refine = spectral_layer(root.below("refine_net.0.0."));
  const auto matrix = refine.weight.flatten(1);
  const auto scale = channel_vector(root, "std").reciprocal(), mean = channel_vector(root, "mean");
  const auto queries = info.queries;
  const auto rgb = behind({matrix.narrow(1, queries, 3), refine.bias}, {scale, mean.neg().mul(scale)});
  const auto floats = [&](const at::Tensor& values) { return values.to(compute.device, at::kFloat).contiguous(); };
  of_queries_ = matrix.narrow(1, 0, queries).to(compute.device).contiguous(), of_rgb_ = floats(rgb.weight), bias_ = floats(rgb.bias.unsqueeze(1));
}

at::Tensor DDColor::operator()(const at::Tensor& grey, const WorkProgress& progress, const ColorWatch& watch) const {
  if (grey.dim() != 3 || grey.size(0) != 3 || grey.size(1) != grey.size(2) || grey.size(1) % kSideStep != 0 || grey.size(1) < kSideStep)
    throw InvalidInput("DDColor: expected a square picture [3,S,S] with S a multiple of 32, got " + shape_text(grey));
  const auto side = grey.size(1);
  if (side > kMaxSide) throw TooLarge("DDColor: a side of " + std::to_string(side) + " pixels, at most " + std::to_string(kMaxSide) + " are taken");
  std::vector<double> steps;
  encoder_.plan(side, side, steps), pixels_.plan(side, side, steps), colors_.plan(side, side, steps), pixels_.plan_project(side, side, steps);
  Work work(std::move(steps), progress);
  work.check();

  const auto rgb = grey.to(device_, at::kFloat);
  auto maps = pixels_(encoder_(rgb, work), work);
  const auto colors = colors_(maps, watch, work);
  maps.erase(maps.begin(), maps.end() - 1);
  // The refining convolution takes each query's plane, colours times the last map: two vectors times that map are the same.
  auto ab = pixels_.project(maps.back(), at::matmul(of_queries_, colors.to(at::kDouble)).to(at::kFloat).contiguous(), work);
  ab.add_(at::addmm(bias_, of_rgb_, rgb.reshape({3, -1})).view(ab.sizes()));
  return ab.to(at::kCPU);
}

}  // namespace darkroom
