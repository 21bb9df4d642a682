#include "nodes/attention_picture.hpp"

#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "imaging/preview.hpp"

namespace darkroom {
namespace {

/// The binary message that the gateway makes `attention` of.
constexpr std::uint32_t kAttentionPicture = 0x41545443;
constexpr auto kBetween = std::chrono::milliseconds(500);
/// Limit: longer side of a picture of a colouriser's attention, pixels. Beyond: it is made smaller. Fixed: it lies over a small photo
/// beside the preview. Edge: AttentionPicture.HasTheRatioOfThePhoto.
constexpr std::int64_t kSide = 256;
constexpr double kDarkest = 0.01, kLightest = 0.99;  ///< shares of the map that the ends of the ramp stand for
constexpr double kLeastContrast = 0.1;               ///< of the lightest value: what differs by less looks alike

using Triple = std::array<double, 3>;

/// From black over red and orange to paper, in OKLab: lightness in even steps.
constexpr std::array<Triple, 5> kRamp{
    {{0.18, 0.010, 0.010}, {0.37, 0.078, 0.062}, {0.56, 0.108, 0.095}, {0.75, 0.078, 0.105}, {0.94, 0.008, 0.045}}};

/// OKLab (Ottosson 2020) to sRGB.
std::array<std::uint8_t, 3> srgb(const Triple& lab) {
  const auto cube = [](double v) { return v * v * v; };
  const double l = cube(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2]),
               m = cube(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2]),
               s = cube(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2]);
  const auto step = [](double linear) {
    const double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
    return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
  };
  return {step(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s), step(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          step(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

std::array<std::array<std::uint8_t, 3>, 256> colours() {
  std::array<std::array<std::uint8_t, 3>, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double at = static_cast<double>(i) / (table.size() - 1) * (kRamp.size() - 1);
    const auto low = std::min(static_cast<std::size_t>(at), kRamp.size() - 2);
    Triple lab;
    for (std::size_t c = 0; c < 3; ++c) lab[c] = std::lerp(kRamp[low][c], kRamp[low + 1][c], at - static_cast<double>(low));
    table[i] = srgb(lab);
  }
  return table;
}

/// The value below which this share of the map lies.
double quantile(std::vector<float>& values, double share) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

std::string attention_picture(const at::Tensor& map, std::int64_t height, std::int64_t width) {
  static const auto table = colours();
  const auto longer = std::max(height, width);
  const auto fitted = [&](std::int64_t side) { return longer <= kSide ? side : std::max<std::int64_t>(1, side * kSide / longer); };
  const auto rows = fitted(height), columns = fitted(width);
  const auto values = at::upsample_bilinear2d(map.view({1, 1, map.size(0), map.size(1)}), {rows, columns}, false).contiguous();
  const auto flat = map.contiguous();
  std::vector<float> places(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
  const double lightest = std::max(quantile(places, kLightest), 1e-12),
               darkest = std::min(quantile(places, kDarkest), lightest * (1 - kLeastContrast));
  const float* in = values.const_data_ptr<float>();
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(3 * rows * columns));
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const double share = (in[i] - darkest) / (lightest - darkest);  // NaN fails both tests
    const auto& colour = table[share >= 1 ? 255 : share > 0 ? static_cast<std::size_t>(255 * share) : 0];
    pixels.insert(pixels.end(), colour.begin(), colour.end());
  }
  return imaging::encode_preview(pixels.data(), static_cast<int>(columns), static_cast<int>(rows), "PNG", std::nullopt);
}

void AttentionShow::operator()(const ColorLook& look) {
  const auto now = Clock::now();
  if (shown_ && now - *shown_ < kBetween && look.layer < look.layers) return;
  shown_ = now;
  context_.send_binary(kAttentionPicture, attention_picture(look.map(), height_, width_));
}

}  // namespace darkroom
