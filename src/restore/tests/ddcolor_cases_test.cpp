// The golden cases of tests/data/restore that are colourisations (restore_cases.hpp), each one test.

#include <ATen/ops/abs.h>
#include <ATen/ops/round.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "restore/ddcolor/colorize.hpp"
#include "restore/tests/restore_cases.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/tests/test_device.hpp"

namespace darkroom {
namespace {

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const auto cases = read_cases();
  for (const auto& [name, info] : cases)
    if (string_or(info.as_object(), "kind", "") == "ddcolor") names.emplace_back(name);
  return names;
}

const WorkProgress kSilent = [](auto, auto) {};

at::Tensor case_image(const at::Tensor& u8) { return u8.to(at::kFloat).div(255); }  // [H,W,3]
float worst(const at::Tensor& a, const at::Tensor& b) { return at::abs(a.sub(b)).max().item<float>(); }
at::Tensor eight_bits(const at::Tensor& rgb) { return at::round(rgb.mul(255)).clamp(0, 255); }
double psnr(const at::Tensor& a, const at::Tensor& b, double peak) { return 10 * std::log10(peak * peak / a.sub(b).square().mean().item<double>()); }

constexpr float kTableStep = 2e-4F;  ///< of Lab's table, in RGB

class DDColorRestoreCase : public testing::TestWithParam<std::string> {};

TEST_P(DDColorRestoreCase, Matches) {
  const c10::InferenceMode guard;
  const auto info = read_cases().at(GetParam()).as_object();
  const auto& tolerance = *find_object(info, "tolerance");
  const auto tensors = read_safetensors(string_or(info, "file", "")).tensors;
  const DDColor network(read_ddcolor(model_file(string_or(info, "model", ""))), test_compute());
  const auto side = int_or(info, "model_input_size", 512), frames = int_or(info, "frames", 1);
  const auto within = [&](const char* what, const char* key, float error) {
    std::cout << GetParam() << ": " << what << " off by at most " << error << ", allowed " << number_or(tolerance, key, 0) << '\n';
    EXPECT_LE(error, number_or(tolerance, key, 0)) << what;
  };
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const auto of = [&](std::string name) { return tensors.at(frames > 1 ? name + "_" + std::to_string(frame) : name); };
    const auto image = case_image(of("image"));
    const auto lightness = of("image_L"), ab = of("ab"), want = of("node_rgb");
    within("ab", "ab_from_net_input", worst(network(of("net_input"), kSilent), ab));
    within("lightness", "image_L", worst(lightness_of(image), lightness));
    within("the network's input", "net_input", worst(grey_square(image, side), of("net_input")));
    within("colours of the given ab", "node_rgb_from_ab", worst(with_colors(lightness, ab), want));
    const auto got = colorize(network, image, side, kSilent);
    // OpenCV's versions round the small picture by 1e-7 differently, which moves single pixels by a step of Lab's table.
    const bool same_input = worst(grey_square(image, side), of("net_input")) < kTableStep;
    within("the whole way", same_input ? "node_rgb_whole_chain_with_opencv" : "node_rgb_whole_chain", worst(got, want));
    const auto steps = at::abs(eight_bits(got).sub(of("repo_rgb_u8").to(at::kFloat)));
    within("8-bit values", "repo_u8_max", steps.max().item<float>());
    within("8-bit values that differ", "repo_u8_differing", steps.gt(0).to(at::kFloat).mean().item<float>());
  }
}

INSTANTIATE_TEST_SUITE_P(DDColor, DDColorRestoreCase, testing::ValuesIn(case_names()), [](const auto& instance) { return instance.param; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DDColorRestoreCase);  // another folder of cases may have none

/// bf16 is for speed where the processor has it; the picture has to stay the same to the eye. All of the network may be in it, or all but
/// its convolutions.
TEST(DDColorBf16, StaysCloseToFloat32) {
  const c10::InferenceMode guard;
  for (const char* name : {"dd_tiny_old", "dd_micro_colour"}) {
    const auto cases = read_cases();
    const auto found = cases.find(name);
    if (found == cases.end()) continue;  // another folder of cases
    const auto info = found->value().as_object();
    const auto tensors = read_safetensors(string_or(info, "file", "")).tensors;
    for (const auto convolutions : {at::kBFloat16, at::kFloat}) {
      const DDColor network(read_ddcolor(model_file(string_or(info, "model", ""))), {.dtype = at::kBFloat16}, {.dtype = convolutions});
      const auto got = colorize(network, case_image(tensors.at("image")), int_or(info, "model_input_size", 512), kSilent);
      const double decibels = psnr(eight_bits(got), eight_bits(tensors.at("node_rgb")), 255);
      std::cout << name << ": bf16 " << decibels << " dB, convolutions in " << c10::toString(convolutions) << '\n';
      EXPECT_GT(decibels, 45) << name;
    }
  }
}

}  // namespace
}  // namespace darkroom
