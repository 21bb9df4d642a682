// The golden cases of tests/data/restore that are denoisers (restore_cases.hpp), and pictures of any size through one.

#include "restore/denoise.hpp"

#include <ATen/ops/abs.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "restore/tests/restore_cases.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/tests/test_device.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const TileProgress kSilent = [](auto, auto) {};
const LayerCheck kGoOn = [] {};

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const auto cases = read_cases();
  for (const auto& [name, info] : cases)
    if (string_or(info.as_object(), "kind", "") == "denoise") names.emplace_back(name);
  return names;
}

FfdNet network_of(const std::string& model, const Compute& compute = test_compute()) { return {read_denoiser(model_file(model)), compute}; }
FfdNet shipped(const Compute& compute = {}) { return network_of("ffdnet_color.pth", compute); }
float worst(const at::Tensor& a, const at::Tensor& b) { return at::abs(a.sub(b)).max().item<float>(); }
double psnr(const at::Tensor& a, const at::Tensor& b) { return -10 * std::log10(a.sub(b).square().mean().item<double>()); }

class DenoiseRestoreCase : public testing::TestWithParam<std::string> {};

TEST_P(DenoiseRestoreCase, Matches) {
  const c10::InferenceMode guard;
  const auto info = read_cases().at(GetParam()).as_object();
  const auto allowed = number_or(*find_object(info, "tolerance"), "output", 0);
  const auto tensors = read_safetensors(string_or(info, "file", "")).tensors;
  const auto network = network_of(string_or(info, "model", ""));
  const auto image = tensors.at("image").to(at::kFloat).div(255).permute({2, 0, 1}).unsqueeze(0);
  const auto got = network.forward(image, number_or(info, "sigma_255", 0) / 255, kGoOn).squeeze(0).permute({1, 2, 0});
  ASSERT_EQ(got.sizes(), tensors.at("output").sizes());
  const float error = worst(got, tensors.at("output"));
  std::cout << GetParam() << ": max error " << error << ", allowed " << allowed << '\n';
  EXPECT_LE(error, allowed);
}

INSTANTIATE_TEST_SUITE_P(Denoisers, DenoiseRestoreCase, testing::ValuesIn(case_names()), [](const auto& instance) { return instance.param; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DenoiseRestoreCase);  // another folder of cases may have none

/// Smooth colours, whose noise is easily told from them.
at::Tensor smooth(std::int64_t height, std::int64_t width, std::int64_t channels = 3) {
  return at::upsample_bilinear2d(at::rand({1, channels, 4, 4}).mul(0.6).add(0.2), {height, width}, true).permute({0, 2, 3, 1}).contiguous();
}

TEST(Denoise, TilesLeaveNoTrace) {
  const c10::InferenceMode guard;
  const auto network = shipped();
  const auto image = (smooth(521, 603) + at::randn({1, 521, 603, 3}) * 0.1).clamp(0, 1);
  std::vector<std::int64_t> values;
  const auto got = denoise(network, image, 25, 1, [&](auto value, auto max) {
    values.push_back(value);
    EXPECT_EQ(max, 4);
  }, kGoOn);
  EXPECT_EQ(values, (std::vector<std::int64_t>{1, 2, 3, 4}));
  const auto whole = network.forward(image.permute({0, 3, 1, 2}), 25.0 / 255, kGoOn).permute({0, 2, 3, 1}).clamp(0, 1);
  EXPECT_LT(worst(got, whole), 2e-5);
}

TEST(Denoise, GreyAndColouredPicturesGetCleaner) {
  const c10::InferenceMode guard;
  const auto network = shipped();
  const auto colour = smooth(96, 80), grey = smooth(96, 80, 1);
  const auto noisy = (colour + at::randn(colour.sizes()) * (25.0 / 255)).clamp(0, 1), noisy_grey = (grey + at::randn(grey.sizes()) * (25.0 / 255)).clamp(0, 1);
  const auto clean = [&](const at::Tensor& image, double strength = 1) { return denoise(network, image, 25, strength, kSilent, kGoOn); };
  EXPECT_GT(psnr(clean(noisy), colour), psnr(noisy, colour) + 8);
  const auto three = clean(noisy_grey.expand({-1, -1, -1, 3}).contiguous()), one = clean(noisy_grey);
  EXPECT_GT(psnr(one, grey), psnr(noisy_grey, grey) + 8);
  EXPECT_EQ(one.sizes(), grey.sizes());
  EXPECT_EQ(worst(three, one.expand({-1, -1, -1, 3})), 0);
  EXPECT_EQ(worst(clean(noisy, 0), noisy), 0);
  EXPECT_LT(worst(clean(noisy, 0.5), (noisy + clean(noisy)) / 2), 1e-6);
  EXPECT_THROW(clean(at::zeros({1, 8, 8, 4})), InvalidInput);
  // A grey network takes channels one by one.
  const auto by_channel = denoise(network_of("ffdnet_gray"), noisy, 25, 1, kSilent, kGoOn);
  EXPECT_EQ(by_channel.sizes(), noisy.sizes());
}

TEST(Denoise, StopsBetweenLayers) {
  const c10::InferenceMode guard;
  struct Stop {};
  int layers = 0;
  EXPECT_THROW(denoise(shipped(), at::zeros({1, 8, 8, 3}), 25, 1, kSilent, [&] { if (++layers == 5) throw Stop{}; }), Stop);
  EXPECT_EQ(layers, 5);
}

TEST(Denoise, ReadsSizesOffTheShapesAndRefusesTheRest) {
  const auto weights = read_denoiser(model_file("ffdnet_color.pth"));
  EXPECT_EQ(weights.info, (DenoiserInfo{3, 96, 12}));
  const auto fault = [&](const auto& change) -> std::string {
    auto tensors = weights.tensors;
    change(tensors);
    try {
      recognise_denoiser(std::move(tensors));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(fault([](StateDict&) {}), "accepted");
  EXPECT_THAT(fault([](StateDict& t) { t.erase("model.4.bias"); }), HasSubstr("model.4.bias is missing"));
  EXPECT_THAT(fault([](StateDict& t) { t.erase("model.4.weight"); }), HasSubstr("neither colour nor grey"));
  EXPECT_THAT(fault([](StateDict& t) { t["model.0.weight"] = at::zeros({96, 12, 3, 3}); }), HasSubstr("model.0.weight is [96,12,3,3], expected [96,13,3,3]"));
  EXPECT_THAT(fault([](StateDict& t) { t["more"] = at::zeros({1}); }), HasSubstr("belongs to no part"));
  EXPECT_THAT(fault([](StateDict& t) { t.clear(); }), HasSubstr("no denoiser"));
}

TEST(DenoiseBf16, StaysCloseToFloat32) {
  const c10::InferenceMode guard;
  const auto image = (smooth(96, 80) + at::randn({1, 96, 80, 3}) * 0.1).clamp(0, 1);
  const auto decibels = psnr(denoise(shipped({.dtype = at::kBFloat16}), image, 25, 1, kSilent, kGoOn), denoise(shipped(), image, 25, 1, kSilent, kGoOn));
  std::cout << "bf16 " << decibels << " dB\n";
  EXPECT_GT(decibels, 45);
}

}  // namespace
}  // namespace darkroom
