// The golden cases of tests/data/restore that are upscalers, each one test. Others of the same form are run with
// DARKROOM_RESTORE_CASES=<folder>. Models: random ones by tests/data/restore/make_models.py, real ones by script/fetch_weights.py.

#include <ATen/ops/abs.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/replication_pad2d.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "restore/tests/restore_cases.hpp"
#include "restore/tiling.hpp"
#include "restore/upscaler.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/tests/test_device.hpp"

namespace darkroom {
namespace {

/// Why a case isn't run here; nothing for one that is.
std::optional<std::string> other_network(const json::object& info) {
  const auto kind = string_or(info, "kind", "");
  if (kind == "ddcolor") return "DDColor: ddcolor_cases_test.cpp";
  if (kind == "denoise") return "FFDNet: denoise_test.cpp";
  return std::nullopt;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const auto cases = read_cases();
  for (const auto& [name, info] : cases)
    if (!other_network(info.as_object())) names.emplace_back(name);
  return names;
}

at::Tensor case_image(const at::Tensor& u8) { return u8.to(at::kFloat).div(255).unsqueeze(0); }  // [1,H,W,3]

class RestoreCase : public testing::TestWithParam<std::string> {};

TEST_P(RestoreCase, Matches) {
  const c10::InferenceMode guard;
  const auto info = read_cases().at(GetParam()).as_object();
  const auto& tolerance = *find_object(info, "tolerance");
  const auto tensors = read_safetensors(string_or(info, "file", "")).tensors;
  const auto network = make_upscaler(read_upscaler(model_file(string_or(info, "model", ""))), test_compute());
  const auto image = case_image(tensors.at("image"));
  const auto none = [] {};
  const auto kind = string_or(info, "kind", "");

  if (kind == "upscale_u8") {  // the package's own rule: mirror 10 px, run, crop, round half up
    constexpr std::int64_t kBorder = 10;
    const auto scale = network->info().scale;
    auto y = network->forward(at::reflection_pad2d(image.permute({0, 3, 1, 2}), {kBorder, kBorder, kBorder, kBorder}), none);
    y = y.slice(2, kBorder * scale, y.size(2) - kBorder * scale).slice(3, kBorder * scale, y.size(3) - kBorder * scale);
    const auto got = at::clamp(at::floor(y.mul(255).add(0.5)), 0, 255).squeeze(0).permute({1, 2, 0});
    const auto error = at::abs(got.sub(tensors.at("output_u8").to(at::kFloat)));
    EXPECT_LE(error.max().item<float>(), number_or(tolerance, "u8_max", 0));
    EXPECT_LE(error.gt(0).to(at::kFloat).mean().item<float>(), number_or(tolerance, "u8_differing", 0));
    return;
  }
  at::Tensor got;
  if (kind == "upscale_tiled") {
    std::int64_t last = 0, of = 0;
    got = upscale_tiled(*network, image, {int_or(info, "tile", 0), int_or(info, "overlap", 0)}, [&](auto value, auto max) { last = value, of = max; }, none).squeeze(0);
    EXPECT_EQ(last, of);
  } else {
    ASSERT_EQ(kind, "upscale");
    // SRMD's were recorded without a border, those of networks without padding with the edge repeated.
    const std::int64_t inset = network->info().inset;
    const auto input = at::replication_pad2d(image.permute({0, 3, 1, 2}), {inset, inset, inset, inset});
    const auto told = int_or(info, "noise", 0) > 0 && network->info().takes_noise
                          ? network->at_noise(static_cast<double>(int_or(info, "noise", 0)))
                          : nullptr;
    got = (told ? *told : *network).forward(input, none).squeeze(0).permute({1, 2, 0});
    if (info.contains("arch")) got = at::clamp(got, 0, 1);  // these were recorded through a wrapper that clamps
  }
  ASSERT_EQ(got.sizes(), tensors.at("output").sizes());
  const float error = at::abs(got.sub(tensors.at("output"))).max().item<float>();
  EXPECT_LE(error, number_or(tolerance, "output", 0));
  RecordProperty("max_error", std::to_string(error));
  std::cout << GetParam() << ": max error " << error << ", allowed " << number_or(tolerance, "output", 0) << '\n';
}

INSTANTIATE_TEST_SUITE_P(Upscalers, RestoreCase, testing::ValuesIn(case_names()), [](const auto& instance) { return instance.param; });

/// tests/data/golden/unit/upscale: the same picture, in floats, through the models of golden/make_models.py.
class GoldenUnit : public testing::TestWithParam<std::string> {};

TEST_P(GoldenUnit, Matches) {
  const c10::InferenceMode guard;
  const auto tensors = read_safetensors(fs::path(DARKROOM_TEST_DATA) / "golden/unit/upscale.safetensors").tensors;
  const auto file = from_environment("DARKROOM_GOLDEN_MODELS", cache() / "models-test/golden") / "upscale_models" / GetParam();
  const auto network = make_upscaler(read_upscaler(file), test_compute());
  const auto got = upscale_tiled(*network, tensors.at("image"), {}, [](auto, auto) {}, [] {});
  EXPECT_LE(at::abs(got.sub(tensors.at(file.stem().string()))).max().item<float>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Upscalers, GoldenUnit, testing::Values("esrgan_x2.safetensors", "esrgan_x4_new.safetensors", "esrgan_x4_old.pth", "srvgg_x4.safetensors"), [](const auto& instance) {
  return instance.param.substr(0, instance.param.find('.'));
});

/// bf16 is for speed where the processor has it; it has to stay a picture that nobody tells from float32's.
TEST(RestoreBf16, StaysCloseToFloat32) {
  const c10::InferenceMode guard;
  constexpr double kRecorded = 55;  // dB: what the recorded workflows ask for
  // The blocks of a random NAFNet add as much as there was; those of a trained one add little to a picture.
  constexpr double kRandomBlocks = 48;
  for (const auto& [name, least] : {std::pair{"up_srvgg_x4", kRecorded},
                                    {"up_rrdb_x2_odd", kRecorded},
                                    {"up_rrdb_x4", kRecorded},
                                    {"real_animevideov3_x4", kRecorded},
                                    {"real_x4plus_anime", kRecorded},
                                    {"rs_nafnet_odd", kRandomBlocks}}) {
    const auto cases = read_cases();
    const auto found = cases.find(name);
    if (found == cases.end()) continue;  // another folder of cases
    const auto info = found->value().as_object();
    const auto network = make_upscaler(read_upscaler(model_file(string_or(info, "model", ""))), {.dtype = at::kBFloat16});
    const auto tensors = read_safetensors(string_or(info, "file", "")).tensors;
    const auto got = upscale_tiled(*network, case_image(tensors.at("image")), {}, [](auto, auto) {}, [] {}).squeeze(0);
    const double error = got.sub(at::clamp(tensors.at("output"), 0, 1)).square().mean().item<double>();
    const double psnr = -10 * std::log10(error);
    std::cout << name << ": bf16 " << psnr << " dB\n";
    EXPECT_GT(psnr, least) << name;
  }
}

TEST(RestoreCases, LeavesOutOnlyOtherNetworks) {
  const auto cases = read_cases();
  for (const auto& [name, info] : cases)
    if (const auto reason = other_network(info.as_object())) std::cout << "left out: " << std::string_view(name) << " (" << *reason << ")\n";
  EXPECT_FALSE(case_names().empty());
}

}  // namespace
}  // namespace darkroom
