#include "worker/device.hpp"

#include <gtest/gtest.h>

#include <string>

namespace darkroom {
namespace {

TEST(Precision, IsWhatTheSettingMeansOnTheDevice) {
  struct Case { bool gpu; const char* setting; Precision networks, convolutions; };
  using enum Precision;
  for (const auto& c : {Case{false, "fp32", kFloat32, kFloat32}, Case{false, "bf16", kBFloat16, kBFloat16}, Case{false, "fp16", kFloat32, kFloat32},
                        Case{true, "auto", kFloat16, kFloat16}, Case{true, "fp16", kFloat16, kFloat16}, Case{true, "bf16", kBFloat16, kBFloat16}, Case{true, "fp32", kFloat32, kFloat32}}) {
    SCOPED_TRACE(std::string(c.gpu ? "gpu " : "cpu ") + c.setting);
    Device device;
    if (c.gpu) device.gpu = 0;
    device = with_precision(device, c.setting);
    EXPECT_EQ(device.precision, c.networks);
    EXPECT_EQ(device.convolution_precision, c.convolutions);
  }
}

TEST(Precision, AutoIsAsTheProcessorMultiplies) {
  const Device device = with_precision({}, "auto");
  EXPECT_NE(device.precision, Precision::kFloat16);
  // Convolutions are never less exact than the other networks.
  if (device.precision == Precision::kFloat32) {
    EXPECT_EQ(device.convolution_precision, Precision::kFloat32);
  }
}

}  // namespace
}  // namespace darkroom
