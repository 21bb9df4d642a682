#include "tensor/winograd.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace darkroom {
namespace {

std::vector<float> numbers(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> any(-1, 1);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values) value = any(generator);
  return values;
}

/// A picture of 13x30 pixels through a layer with activation and residual: more tiles than a small block has, none of them whole at the
/// edges.
class Layer {
 public:
  Layer(std::int64_t in, std::int64_t out)
      : in_(in), out_(out), x_(numbers(kHeight * kWidth * in, 1)), residual_(numbers(kHeight * kWidth * out, 2)) {
    const auto padded = winograd::padded_out(out);
    weight_.resize(static_cast<std::size_t>(winograd::packed_floats(in, out)));
    winograd::pack(numbers(out * in * 9, 3).data(), in, out, weight_.data(), 0, winograd::panels(out));
    bias_ = numbers(padded, 4), slope_ = numbers(padded, 5);
  }

  using Run = void (*)(const winograd::Call&, std::int64_t, std::int64_t, float*);
  std::vector<float> through(Run run) const {
    std::vector<float> y(residual_.size()), scratch(static_cast<std::size_t>(winograd::scratch_floats(in_, out_)));
    winograd::Call call{};
    call.x = {x_.data(), 0, kWidth * in_, in_};
    call.y = {y.data(), 0, kWidth * out_, out_};
    call.batch = 1, call.height = call.rows = kHeight, call.width = kWidth;
    call.in = in_, call.out = out_;
    call.weight = weight_.data(), call.bias = bias_.data(), call.slope = slope_.data();
    call.residuals = 1, call.residual[0] = {residual_.data(), 0, kWidth * out_, out_}, call.residual_scale[0] = 0.2F;
    run(call, 0, winograd::tiles(call), scratch.data());
    return y;
  }

 private:
  static constexpr std::int64_t kHeight = 13, kWidth = 30;
  std::int64_t in_, out_;
  std::vector<float> x_, residual_, weight_, bias_, slope_;
};

TEST(Winograd, GivesTheSameWithEveryKindOfRegister) {
  if (!winograd::avx2::available() || !winograd::avx512::available()) GTEST_SKIP() << "this processor has no AVX-512";
  // Inputs and outputs that fill registers of 16 and that don't; one panel, two, two and a half; channels that are no panel at all.
  for (const auto in : {8, 16, 24, 64})
    for (const auto out : {3, 8, 12, 16, 20, 32, 40, 48, 64})
      EXPECT_EQ(Layer(in, out).through(winograd::avx2::run), Layer(in, out).through(winograd::avx512::run)) << in << " to " << out;
}

}  // namespace
}  // namespace darkroom
