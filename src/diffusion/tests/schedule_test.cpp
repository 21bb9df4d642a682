// Sigma tables and schedules: the recorded ones (tests/data/golden/unit/sigmas.*), and what their formulas promise.
#include "diffusion/schedule.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/json.hpp"
#include "diffusion/latent_format.hpp"
#include "diffusion/published_schedules.hpp"
#include "diffusion/sampler.hpp"
#include "diffusion/tests/unit_records.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const ModelSampling> sampling_named(std::string_view name) {
  if (name == "eps") return discrete_sampling(Prediction::kEps);
  if (name == "zsnr") return discrete_sampling(Prediction::kV, true);
  if (name == "edm") return continuous_edm_sampling(Prediction::kEdm, 0.002, 120, 1);
  if (name == "contv") return continuous_v_sampling(Prediction::kV, 0.03, 500);
  if (name == "flow3") return flow_sampling(3);
  return nullptr;
}

/// float32 rounding of powers and exponentials differs between processors by a few units in the last place.
constexpr double kSame = 1e-6;

void expect_same(const std::vector<float>& got, const at::Tensor& want, const std::string& what) {
  ASSERT_EQ(static_cast<std::int64_t>(got.size()), want.numel()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double expected = want.const_data_ptr<float>()[i];
    if (std::isnan(expected)) EXPECT_TRUE(std::isfinite(got[i])) << what << " [" << i << "]";  // kl_optimal of one step: ours starts at sigma_max
    else EXPECT_NEAR(got[i], expected, kSame * std::abs(expected)) << what << " [" << i << "]";
  }
}

class GoldenUnit_Sigmas : public testing::Test {
 protected:
  UnitRecords records_{"sigmas"};
};

TEST_F(GoldenUnit_Sigmas, TablesAndSchedules) {
  int seen = 0;
  for (const auto& [key, want] : records_.tensors) {
    const auto first = key.find('.'), last = key.rfind('.');
    const auto head = key.substr(0, first), middle = key.substr(first + 1, last - first - 1), tail = key.substr(last + 1);
    if (head == "model") expect_same(sampling_named(middle)->sigmas(), want, key);
    else if (const auto sampling = sampling_named(head)) expect_same(schedule(*sampling, middle, std::stoll(tail)), want, key);
    else continue;
    ++seen;
  }
  EXPECT_GT(seen, 50);
}

TEST_F(GoldenUnit_Sigmas, KSampler) {
  const auto eps = sampling_named("eps");
  for (const auto& entry : records_.about.at("ksampler").as_array()) {
    const auto& row = entry.as_object();
    const auto got = ksampler_schedule(*eps, string_or(row, "sampler", ""), string_or(row, "scheduler", ""), int_or(row, "steps", 0), number_or(row, "denoise", 1));
    if (const auto key = find_string(row, "key")) expect_same(got, records_.tensors.at(*key), *key);
    else EXPECT_TRUE(got.empty());
  }
}

TEST_F(GoldenUnit_Sigmas, PercentAndTimestep) {
  for (const auto& [name, rows] : records_.about.at("percent_to_sigma").as_object())
    for (const auto& row : rows.as_array()) {
      const double want = row.at(1).to_number<double>();
      EXPECT_NEAR(sampling_named(name)->percent_to_sigma(row.at(0).to_number<double>()), want, kSame * want) << std::string_view(name) << " " << row.at(0);
    }
  for (const auto& [name, rows] : records_.about.at("timestep").as_object())
    for (const auto& row : rows.as_array()) {
      const double want = row.at(1).to_number<double>();
      EXPECT_NEAR(sampling_named(name)->timestep(row.at(0).to_number<double>()), want, 1e-6 * std::max(1.0, std::abs(want))) << std::string_view(name) << " " << row.at(0);
    }
}

TEST_F(GoldenUnit_Sigmas, ScheduleNodes) {
  for (const auto& entry : records_.about.at("nodes").as_array()) {
    const auto& row = entry.as_object();
    const auto& in = row.at("inputs").as_object();
    const auto node = string_or(row, "node", ""), key = string_or(row, "key", "");
    const auto number = [&](std::string_view name) { return in.at(name).to_number<double>(); };
    const auto steps = int_or(in, "steps", 0);
    std::vector<float> got;
    if (node == "KarrasScheduler") got = karras_schedule(steps, number("sigma_min"), number("sigma_max"), number("rho"));
    else if (node == "ExponentialScheduler") got = exponential_schedule(steps, number("sigma_min"), number("sigma_max"));
    else if (node == "PolyexponentialScheduler") got = polyexponential_schedule(steps, number("sigma_min"), number("sigma_max"), number("rho"));
    else if (node == "LaplaceScheduler") got = laplace_schedule(steps, number("sigma_min"), number("sigma_max"), number("mu"), number("beta"));
    else if (node == "VPScheduler") got = vp_schedule(steps, number("beta_d"), number("beta_min"), number("eps_s"));
    else if (node == "AlignYourStepsScheduler") got = align_your_steps_schedule(string_or(in, "model_type", ""), steps, number("denoise"));
    else if (node == "GITSScheduler") got = gits_schedule(number("coeff"), steps, number("denoise"));
    else ADD_FAILURE() << node;
    expect_same(got, records_.tensors.at(key), node + " " + key);
  }
}

TEST(Schedule, EveryNameGivesAFallingScheduleThatEndsAtZero) {
  for (const char* model : {"eps", "zsnr", "edm", "contv", "flow3"})
    for (const auto& name : scheduler_names())
      for (const std::int64_t steps : {1, 2, 3, 7, 999, 1001, 10000}) {
        if (steps == 10000 && std::string_view(model) != "eps") continue;  // quantiles of beta take a while
        const auto sigmas = schedule(*sampling_named(model), name, steps);
        ASSERT_GE(sigmas.size(), 2u) << model << " " << name << " " << steps;
        EXPECT_EQ(sigmas.back(), 0) << model << " " << name << " " << steps;
        EXPECT_TRUE(std::is_sorted(sigmas.begin(), sigmas.end(), [](float a, float b) { return a > b * (1 + 1e-5F); })) << model << " " << name << " " << steps;
        EXPECT_TRUE(std::all_of(sigmas.begin(), sigmas.end(), [](float sigma) { return std::isfinite(sigma); })) << model << " " << name << " " << steps;
      }
}

TEST(Schedule, RefusesWhatItCannotDo) {
  const auto eps = discrete_sampling(Prediction::kEps);
  EXPECT_THROW(schedule(*eps, "karras", 0), InvalidInput);
  EXPECT_THROW(schedule(*eps, "karras", -4), InvalidInput);
  EXPECT_THROW(schedule(*eps, "no such scheduler", 20), InvalidInput);
  EXPECT_THROW(beta_schedule(*eps, 20, 0, 0.6), InvalidInput);
  EXPECT_THROW(ksampler_schedule(*eps, "euler", "karras", 10000, 1e-9), InvalidInput);
  EXPECT_THROW(ksampler_schedule(*eps, "euler", "karras", 0, 1), InvalidInput);
  EXPECT_TRUE(ksampler_schedule(*eps, "euler", "karras", 20, std::numeric_limits<double>::quiet_NaN()).empty());
  EXPECT_THROW(continuous_edm_sampling(Prediction::kEdm, 0, 120, 1), InvalidInput);
  EXPECT_THROW(continuous_v_sampling(Prediction::kV, 5, 1), InvalidInput);
}

TEST(ModelSampling, TimestepsAndSigmasAreInverse) {
  for (const char* model : {"eps", "zsnr", "edm", "contv"}) {  // a shifted flow's timesteps are those after the shift
    const auto sampling = sampling_named(model);
    for (std::size_t i = 0; i < sampling->sigmas().size(); i += 37) {
      const double sigma = sampling->sigmas()[i];
      EXPECT_NEAR(sampling->sigma(sampling->timestep(sigma)), sigma, 5e-5 * sigma) << model << " " << i;
    }
  }
}

TEST(ModelSampling, APerfectNetworkIsReadBackExactly) {
  // x = data + sigma * noise. What each prediction would tell about it, and the data out of that.
  const auto data = at::full({1, 1, 1, 2}, 0.7), noise = at::full({1, 1, 1, 2}, -1.3), sigma = at::full({1}, 2.5);
  const auto x = data + noise * 2.5;
  const double norm = std::sqrt(1 + 2.5 * 2.5);
  const auto check = [&](Prediction prediction, const at::Tensor& output) {
    EXPECT_NEAR(discrete_sampling(prediction)->denoised(output, x, sigma).mean().item<double>(), 0.7, 1e-6);
  };
  check(Prediction::kEps, noise);
  check(Prediction::kX0, data);
  check(Prediction::kV, (noise - data * 2.5) / norm);
  check(Prediction::kEdm, (data * 2.5 - noise) / norm);
  check(Prediction::kImage, data);
  const auto cosmos = continuous_edm_sampling(Prediction::kVeFlow, 0.002, 80, 1);
  EXPECT_NEAR(cosmos->denoised(noise - data, x, sigma).mean().item<double>(), 0.7, 1e-6);
  EXPECT_NEAR(cosmos->timestep(2.5), 2.5 / 3.5, 1e-6);
  EXPECT_TRUE(discrete_sampling(Prediction::kImage)->input(x, sigma).equal(x));
  const auto flow = flow_sampling(3);
  const auto mixed = flow->add_noise(0.4, noise, data, false);
  EXPECT_NEAR(flow->denoised(noise - data, mixed, at::full({1}, 0.4)).mean().item<double>(), 0.7, 1e-6);
}

TEST(ModelSampling, AConsistencyModelIsMixedWithItsInputByTheTimestep) {
  // Luo et al. 2023, appendix: c_skip = s^2 / ((10 t)^2 + s^2), c_out = 10 t / sqrt((10 t)^2 + s^2), s = 0.5.
  const auto sampling = lcm_sampling();
  const auto data = at::full({1, 1, 1, 2}, 0.7), noise = at::full({1, 1, 1, 2}, -1.3);
  EXPECT_EQ(sampling->sigmas().size(), 50u);
  for (const std::size_t i : {0u, 7u, 49u}) {
    const double sigma = sampling->sigmas()[i], scaled = 10.0 * (20.0 * static_cast<double>(i) + 19.0), total = scaled * scaled + 0.25;
    const auto x = data + noise * sigma;
    const double wanted = 0.7 * scaled / std::sqrt(total) + (0.7 - 1.3 * sigma) * 0.25 / total;
    EXPECT_NEAR(sampling->denoised(noise, x, at::full({1}, sigma)).mean().item<double>(), wanted, 1e-5) << i;
  }
}

TEST(LatentFormat, LeavesAsItEntered) {
  const auto latent = at::arange(32, at::kFloat).reshape({1, 4, 2, 4});
  for (const auto* format : {&sd15_latents(), &sdxl_latents(), &playground_latents()}) {
    EXPECT_LT((format->leave(format->enter(latent)) - latent).abs().max().item<double>(), 1e-4);
    EXPECT_EQ(format->enter(at::zeros({1, 4, 2, 2})).abs().max().item<double>(), 0.0);
  }
  EXPECT_NEAR(playground_latents().enter(at::full({1, 4, 1, 1}, 1.0))[0][0].item<double>(), (1.0 + 1.6574) * 0.5 / 8.4927, 1e-6);
}

}  // namespace
}  // namespace darkroom
