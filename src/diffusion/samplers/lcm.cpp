// Multistep consistency sampling (Luo et al. 2023, algorithm 3): to the end at once, then noise again for the next sigma.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {

at::Tensor lcm(Walk& walk, at::Tensor x) {
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, walk.sigma(i));
    walk.report(i, denoised, x);
    x = next > 0 ? walk.sampling().add_noise(next, noise(denoised), denoised, false) : denoised;
  }
  return x;
}

/// The same with a picture that grows in the first steps; its noise goes on where the run's own ended.
at::Tensor lcm_upscale(Walk& walk, at::Tensor x) {
  if (!walk.sampler.resize) throw InvalidInput("lcm_upscale: needs a way to resize");
  const double ratio = walk.options.number("scale_ratio", 2);
  const auto given = static_cast<std::int64_t>(walk.options.number("scale_steps", -1)), sigmas = walk.steps() + 1;
  // Sizes from 1 to `ratio`, evenly spaced; the first, 1, is that of x.
  const auto sizes = given < 0 ? std::max<std::int64_t>(sigmas / 2 + 1, 2) : std::min(given + 1, sigmas + 1);
  const auto height = static_cast<double>(x.size(2)), width = static_cast<double>(x.size(3));
  NormalSource noise(walk.run.seed);
  noise.draw(x.sizes());
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, walk.sigma(i));
    walk.report(i, denoised, x);
    x = denoised;
    if (i + 1 < sizes) {
      const double size = 1 + (ratio - 1) * static_cast<double>(i + 1) / static_cast<double>(sizes - 1);
      x = walk.sampler.resize(x, std::lrint(width * size), std::lrint(height * size));
    }
    if (next > 0) x = x + noise.draw(x.sizes()).to(x.device()).mul_(next);
  }
  return x;
}

}  // namespace darkroom::methods
