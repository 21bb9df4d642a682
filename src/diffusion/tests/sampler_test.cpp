// Samplers: numbers recorded with a denoiser of a few lines (tests/data/observed/record_samplers.py), the exact solution for Gaussian data
// with each method's order of convergence, and what bad input gets.
#include "diffusion/sampler.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "base/json.hpp"
#include "diffusion/latent_format.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/schedule.hpp"
#include "tensor/safetensors.hpp"

namespace darkroom {
namespace {

/// The recorded runs' model: shrinks x towards a mean, 0.5 for the positive text and -0.3 for the negative, with a bend.
class ProbeDenoiser final : public Denoiser {
 public:
  ProbeDenoiser(std::shared_ptr<const ModelSampling> sampling, double cfg) : sampling_(std::move(sampling)), cfg_(cfg) {}

  Result denoise(const at::Tensor& x, double sigma, bool want_uncond) override {
    ++calls;
    const auto positive = toward(x, sigma, 0.5), negative = toward(x, sigma, -0.3);
    return {negative + (positive - negative) * cfg_, want_uncond ? negative : at::Tensor()};
  }
  const ModelSampling& sampling() const override { return *sampling_; }

  int calls = 0;

 private:
  static at::Tensor toward(const at::Tensor& x, double sigma, double mean) {
    return (x * 0.36 + mean * sigma * sigma) / (0.36 + sigma * sigma) + at::sin(x / (1 + sigma)) * 0.1;
  }
  std::shared_ptr<const ModelSampling> sampling_;
  double cfg_;
};

std::shared_ptr<const ModelSampling> sampling_named(std::string_view model) {
  return model == "flow" ? flow_sampling(3) : discrete_sampling(Prediction::kEps);
}

struct Recorded {
  std::string key, schedule, model;
  double cfg = 1;
  Sampler sampler;
  int calls = 0;
};

struct Recording {
  Recording() {
    const std::filesystem::path folder = DARKROOM_TEST_DATA "/observed";
    std::ifstream file(folder / "samplers.json", std::ios::binary);
    const auto about = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
    tensors = read_safetensors(folder / "samplers.safetensors").tensors;
    for (const auto& entry : about.at("runs").as_array()) {
      const auto& row = entry.as_object();
      Recorded run{string_or(row, "key", ""), string_or(row, "schedule", ""), string_or(row, "model", ""), number_or(row, "cfg", 1), {string_or(row, "method", ""), {}},
                   static_cast<int>(int_or(row, "calls", 0))};
      auto& options = run.sampler.options;
      const auto sampling = sampling_named(run.model);
      for (const auto& [name, value] : row.at("options").as_object()) {
        if (value.is_string()) options.choices.emplace_back(name, std::string(value.as_string()));
        else if (value.is_bool()) options.numbers.emplace_back(name, value.as_bool());
        else if (name == "sde_start_percent") options.numbers.emplace_back("tau_from", sampling->percent_to_sigma(value.to_number<double>()));
        else if (name == "sde_end_percent") options.numbers.emplace_back("tau_to", sampling->percent_to_sigma(value.to_number<double>()));
        else options.numbers.emplace_back(name, value.to_number<double>());
      }
      runs.push_back(std::move(run));
    }
  }
  std::vector<float> sigmas(const std::string& schedule) const {
    const auto& tensor = tensors.at("sigmas." + schedule);
    return {tensor.const_data_ptr<float>(), tensor.const_data_ptr<float>() + tensor.numel()};
  }

  std::vector<Recorded> runs;
  StateDict tensors;
};

const Recording& recording() {
  static const Recording instance;
  return instance;
}

/// x at the start of a run from pure noise.
at::Tensor start(const ModelSampling& sampling, const std::vector<float>& sigmas, std::uint64_t seed, at::IntArrayRef shape) {
  const bool whole = sigmas.front() >= sampling.sigma_max() * (1 - 1e-5);
  return sampling.add_noise(sigmas.front(), prepare_noise(seed, shape), no_noise(shape), whole);
}

class RecordedSampler : public testing::TestWithParam<std::string> {};

TEST_P(RecordedSampler, GivesTheRecordedLatents) {
  constexpr std::uint64_t kSeed = 7;
  int seen = 0;
  for (const auto& run : recording().runs) {
    if (run.sampler.name != GetParam()) continue;
    ++seen;
    const auto sampling = sampling_named(run.model);
    const auto sigmas = recording().sigmas(run.schedule);
    const auto& want = recording().tensors.at(run.key);
    ProbeDenoiser model(sampling, run.cfg);
    SamplerRun how;
    how.seed = kSeed;
    std::int64_t reports = 0;
    how.on_step = [&](std::int64_t step, std::int64_t steps, const at::Tensor& denoised, const at::Tensor& x) {
      EXPECT_EQ(steps, static_cast<std::int64_t>(sigmas.size()) - 1);
      EXPECT_EQ(step, std::min(reports++, steps - 1));
      EXPECT_EQ(denoised.sizes(), x.sizes());
    };
    auto sampler = run.sampler;
    sampler.resize = [](const at::Tensor& t, std::int64_t width, std::int64_t height) { return at::upsample_bilinear2d(t, {height, width}, false); };
    auto x = run_sampler(sampler, model, start(*sampling, sigmas, kSeed, {1, 4, 3, 2}), sigmas, how);
    x = sampling->remove_scale(sigmas.back(), x) / sd15_latents().scale;
    const auto norm = want.square().mean().sqrt().item<double>();
    // dpm_adaptive's step sizes react to rounding.
    const double allowed = run.sampler.name == "dpm_adaptive" ? 1e-3 : 1e-4;
    EXPECT_LT((x - want).square().mean().sqrt().item<double>(), allowed * norm) << run.key << "\n got " << x.flatten()[0].item<float>() << " want " << want.flatten()[0].item<float>();
    if (run.sampler.name != "dpm_adaptive") {
      EXPECT_EQ(model.calls, run.calls) << run.key;
    }
    EXPECT_GT(reports, 0) << run.key;
  }
  EXPECT_GT(seen, 1);
}

std::vector<std::string> recorded_names() {
  auto names = sampler_names();
  names.emplace_back("lcm_upscale");
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, RecordedSampler, testing::ValuesIn(recorded_names()), [](const auto& name) { return name.param; });

/// Data of one Gaussian N(mean, spread^2): the denoiser and the flow's end are known exactly.
class GaussianDenoiser final : public Denoiser {
 public:
  Result denoise(const at::Tensor& x, double sigma, bool want_uncond) override {
    const double variance = kSpread * kSpread;
    const auto denoised = (x * variance + kMean * sigma * sigma) / (variance + sigma * sigma);
    return {denoised, want_uncond ? denoised : at::Tensor()};
  }
  const ModelSampling& sampling() const override { return *sampling_; }
  /// Where the probability-flow ODE takes x from sigma to `end`.
  static at::Tensor exact(const at::Tensor& x, double sigma, double end) {
    const double variance = kSpread * kSpread;
    return (x - kMean) * std::sqrt((variance + end * end) / (variance + sigma * sigma)) + kMean;
  }
  static constexpr double kMean = 0.4, kSpread = 0.7;

 private:
  std::shared_ptr<const ModelSampling> sampling_ = discrete_sampling(Prediction::kEps);
};

double error_of(const std::string& name, std::int64_t steps) {
  GaussianDenoiser model;
  const auto x = prepare_noise(3, {1, 4, 4, 4}).to(at::kDouble) * 10;  // in double: what remains is the method's error
  auto sigmas = karras_schedule(steps, 0.05, 10);
  sigmas.pop_back();  // to 0.05: the last step to 0 is first order in all methods
  const auto got = run_sampler({name, {}}, model, x, sigmas, {});
  return (got - GaussianDenoiser::exact(x, 10, sigmas.back())).abs().max().item<double>();
}

TEST(Sampler, DeterministicMethodsConvergeWithTheirOrder) {
  // Observed order between 64 and 128 steps: log2 of the ratio of errors.
  const std::map<std::string, double> orders{
      {"euler", 1},  {"ddim", 1},  {"gradient_estimation", 1}, {"heunpp2", 1}, {"ipndm_v", 1},   {"heun", 2},     {"dpm_2", 2},
      {"dpmpp_2m", 2}, {"ipndm", 2}, {"res_multistep", 2},       {"exp_heun_2_x0", 2}, {"uni_pc", 2.3}, {"uni_pc_bh2", 2.3}, {"deis", 3}, {"lms", 3.5}};
  for (const auto& [name, order] : orders) {
    const double coarse = error_of(name, 64), fine = error_of(name, 128);
    EXPECT_GT(std::log2(coarse / fine), order - 0.35) << name << " " << coarse << " " << fine;
    EXPECT_LT(fine, 0.05) << name;
  }
}

TEST(Sampler, StochasticMethodsKeepTheMarginalDistribution) {
  // Data N(0.4, 0.7^2) from 4096 samples; 40 steps leave the first-order methods a spread that is 6 % small.
  for (const char* name : {"euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde", "ddpm", "er_sde",
                           "seeds_2", "seeds_3", "sa_solver", "exp_heun_2_x0_sde", "res_multistep_ancestral"}) {
    GaussianDenoiser model;
    const auto sigmas = karras_schedule(40, 0.02, 14.6);
    SamplerRun run;
    run.seed = 11;
    const auto x = run_sampler({name, {}}, model, prepare_noise(5, {1, 4, 32, 32}) * sigmas.front(), sigmas, run);
    const double mean = x.mean().item<double>(), spread = x.std().item<double>();
    EXPECT_NEAR(mean, GaussianDenoiser::kMean, 0.06) << name;
    EXPECT_NEAR(spread, GaussianDenoiser::kSpread, 0.08) << name;
  }
}

TEST(Sampler, LcmUpscaleGrowsInItsFirstSteps) {
  std::vector<std::vector<std::int64_t>> seen;
  SamplerRun run;
  run.on_step = [&](std::int64_t, std::int64_t, const at::Tensor&, const at::Tensor& x) { seen.push_back(x.sizes().vec()); };
  const auto resize = [](const at::Tensor& x, std::int64_t width, std::int64_t height) { return at::full({x.size(0), x.size(1), height, width}, 0.5); };
  ProbeDenoiser model(discrete_sampling(Prediction::kEps), 1);
  const Sampler sampler{"lcm_upscale", {{{"scale_ratio", 2}, {"scale_steps", 2}}, {}}, resize};
  const auto x = run_sampler(sampler, model, prepare_noise(7, {1, 4, 3, 2}), karras_schedule(5, 0.03, 14.6), run);
  EXPECT_EQ(x.sizes(), (std::vector<std::int64_t>{1, 4, 6, 4}));
  EXPECT_EQ(seen, (std::vector<std::vector<std::int64_t>>{{1, 4, 3, 2}, {1, 4, 4, 3}, {1, 4, 6, 4}, {1, 4, 6, 4}, {1, 4, 6, 4}}));
  EXPECT_THROW(run_sampler({"lcm_upscale", {}, {}}, model, x, {1, 0}, {}), InvalidInput);
}

TEST(Sampler, SameSeedSameResult) {
  for (const auto& name : sampler_names()) {
    const auto once = [&] {
      ProbeDenoiser model(discrete_sampling(Prediction::kEps), 2);
      SamplerRun run;
      run.seed = 5;
      return run_sampler({name, {}}, model, prepare_noise(1, {2, 4, 3, 5}) * 14.6, karras_schedule(5, 0.03, 14.6), run);
    };
    EXPECT_TRUE(at::equal(once(), once())) << name;
  }
}

TEST(Sampler, NeverWritesIntoWhatItIsGiven) {
  for (const auto& name : sampler_names()) {
    ProbeDenoiser model(discrete_sampling(Prediction::kEps), 2);
    const auto x = prepare_noise(1, {1, 4, 3, 5}) * 14.6, copy = x.clone();
    std::vector<std::pair<at::Tensor, at::Tensor>> shown;
    SamplerRun run;
    run.on_step = [&](std::int64_t, std::int64_t, const at::Tensor& denoised, const at::Tensor&) { shown.emplace_back(denoised, denoised.clone()); };
    run_sampler({name, {}}, model, x, karras_schedule(4, 0.03, 14.6), run);
    EXPECT_TRUE(at::equal(x, copy)) << name;
    for (const auto& [kept, then] : shown) EXPECT_TRUE(at::equal(kept, then)) << name;
  }
}

TEST(Sampler, OneAndTwoStepsAreFinite) {
  for (const auto& name : sampler_names())
    for (const std::int64_t steps : {1, 2, 3}) {
      ProbeDenoiser model(discrete_sampling(Prediction::kEps), 2);
      auto sigmas = karras_schedule(steps + 1, 0.5, 14.6);
      sigmas.erase(sigmas.end() - 2);
      for (const bool to_zero : {true, false}) {
        if (!to_zero) sigmas.back() = 0.2F;
        const auto x = run_sampler({name, {}}, model, prepare_noise(1, {1, 4, 2, 2}) * 14.6, sigmas, {});
        EXPECT_TRUE(x.isfinite().all().item<bool>()) << name << " " << steps << " " << to_zero;
      }
    }
}

TEST(Sampler, NoStepsGiveTheLatentBack) {
  ProbeDenoiser model(discrete_sampling(Prediction::kEps), 1);
  const auto x = prepare_noise(0, {1, 4, 2, 2});
  for (const auto& name : sampler_names()) {
    EXPECT_TRUE(at::equal(run_sampler({name, {}}, model, x, {}, {}), x)) << name;
    EXPECT_TRUE(at::equal(run_sampler({name, {}}, model, x, {3.0F}, {}), x)) << name;
  }
  EXPECT_EQ(model.calls, 0);
}

TEST(Sampler, RefusesWhatItCannotDo) {
  ProbeDenoiser model(discrete_sampling(Prediction::kEps), 1);
  const auto x = prepare_noise(0, {1, 4, 2, 2});
  EXPECT_THROW(run_sampler({"no such sampler", {}}, model, x, {1, 0}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"euler", {}}, model, x, {std::numeric_limits<float>::quiet_NaN(), 0}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"euler", {}}, model, x, {std::numeric_limits<float>::infinity(), 0}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"euler", {}}, model, x, {1, -1}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"lms", {{{"order", 0}}, {}}}, model, x, {2, 1, 0}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"dpm_adaptive", {{{"order", 4}}, {}}}, model, x, {2, 1, 0}, {}), InvalidInput);
  EXPECT_THROW(run_sampler({"dpm_adaptive", {{{"h_init", 0}}, {}}}, model, x, {2, 1, 0}, {}), InvalidInput);
  SamplerRun largest;
  largest.seed = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THROW(run_sampler({"euler_ancestral", {}}, model, x, {2, 1, 0}, largest), InvalidInput);
  EXPECT_NO_THROW(run_sampler({"dpmpp_2m_sde", {}}, model, x, {2, 1, 0}, largest));
}

TEST(Sampler, StopsWhenAsked) {
  for (const auto& name : sampler_names()) {
    ProbeDenoiser model(discrete_sampling(Prediction::kEps), 1);
    SamplerRun run;
    run.check = [&] { if (model.calls == 3) throw Unavailable("stop"); };
    EXPECT_THROW(run_sampler({name, {}}, model, prepare_noise(0, {1, 4, 2, 2}), karras_schedule(20, 0.03, 14.6), run), Unavailable) << name;
    EXPECT_EQ(model.calls, 3) << name;
  }
}

TEST(Sampler, NamesOfTheKSamplerNode) {
  std::ifstream file(DARKROOM_TEST_DATA "/golden/object_info_core.json", std::ios::binary);
  const auto info = parse_json(std::string(std::istreambuf_iterator<char>(file), {}), {.round_wide_integers = true});
  const auto names = [&](std::string_view input) {
    std::vector<std::string> list;
    for (const auto& name : info.at("KSampler").at("input").at("required").at(input).at(0).as_array()) list.emplace_back(name.as_string());
    return list;
  };
  EXPECT_EQ(sampler_names(), names("sampler_name"));
  EXPECT_EQ(scheduler_names(), names("scheduler"));
}

}  // namespace
}  // namespace darkroom
