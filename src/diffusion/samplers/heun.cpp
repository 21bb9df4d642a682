// Heun's method (Karras et al. 2022, algorithm 1 without churn), and its extension to three points by weights of sigma.
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {

at::Tensor heun(Walk& walk, at::Tensor x) {
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    const auto d = direction(x, sigma, denoised);
    walk.report(i, denoised, x);
    const auto there = x + d * (next - sigma);
    if (next == 0) x = there;
    else x = x + (d + direction(there, next, walk.denoise(there, next))).mul_((next - sigma) / 2);
  }
  return x;
}

at::Tensor heunpp2(Walk& walk, at::Tensor x) {
  const double last = walk.sigmas.back(), first = walk.sigmas.front();
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    const auto d = direction(x, sigma, denoised);
    walk.report(i, denoised, x);
    if (next == last) {
      x = x + d * (next - sigma);
      continue;
    }
    const auto second = x + d * (next - sigma);
    const auto d2 = direction(second, next, walk.denoise(second, next));
    const double after = walk.sigma(i + 2);
    if (after == last) {
      const double weight2 = next / (2 * first);
      x = x + combine({{1 - weight2, &d}, {weight2, &d2}}).mul_(next - sigma);
      continue;
    }
    const auto third = second + d2 * (after - next);
    const auto d3 = direction(third, after, walk.denoise(third, after));
    const double weight2 = next / (3 * first), weight3 = after / (3 * first);
    x = x + combine({{1 - weight2 - weight3, &d}, {weight2, &d2}, {weight3, &d3}}).mul_(next - sigma);
  }
  return x;
}

}  // namespace darkroom::methods
