#include "diffusion/sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom {
namespace {

struct Named {
  const char* name;
  Method method;
};

// In the order of the KSampler list. The _gpu names draw their noise on a GPU elsewhere; ours is always the CPU's.
constexpr std::array kMethods{
    Named{"euler", methods::euler},
    Named{"euler_cfg_pp", methods::euler_cfg_pp},
    Named{"euler_ancestral", methods::euler_ancestral},
    Named{"euler_ancestral_cfg_pp", methods::euler_ancestral_cfg_pp},
    Named{"heun", methods::heun},
    Named{"heunpp2", methods::heunpp2},
    Named{"exp_heun_2_x0", methods::exp_heun_2_x0},
    Named{"exp_heun_2_x0_sde", methods::exp_heun_2_x0_sde},
    Named{"dpm_2", methods::dpm_2},
    Named{"dpm_2_ancestral", methods::dpm_2_ancestral},
    Named{"lms", methods::lms},
    Named{"dpm_fast", methods::dpm_fast},
    Named{"dpm_adaptive", methods::dpm_adaptive},
    Named{"dpmpp_2s_ancestral", methods::dpmpp_2s_ancestral},
    Named{"dpmpp_2s_ancestral_cfg_pp", methods::dpmpp_2s_ancestral_cfg_pp},
    Named{"dpmpp_sde", methods::dpmpp_sde},
    Named{"dpmpp_sde_gpu", methods::dpmpp_sde},
    Named{"dpmpp_2m", methods::dpmpp_2m},
    Named{"dpmpp_2m_cfg_pp", methods::dpmpp_2m_cfg_pp},
    Named{"dpmpp_2m_sde", methods::dpmpp_2m_sde},
    Named{"dpmpp_2m_sde_gpu", methods::dpmpp_2m_sde},
    Named{"dpmpp_2m_sde_heun", methods::dpmpp_2m_sde_heun},
    Named{"dpmpp_2m_sde_heun_gpu", methods::dpmpp_2m_sde_heun},
    Named{"dpmpp_3m_sde", methods::dpmpp_3m_sde},
    Named{"dpmpp_3m_sde_gpu", methods::dpmpp_3m_sde},
    Named{"ddpm", methods::ddpm},
    Named{"lcm", methods::lcm},
    Named{"ipndm", methods::ipndm},
    Named{"ipndm_v", methods::ipndm_v},
    Named{"deis", methods::deis},
    Named{"res_multistep", methods::res_multistep},
    Named{"res_multistep_cfg_pp", methods::res_multistep_cfg_pp},
    Named{"res_multistep_ancestral", methods::res_multistep_ancestral},
    Named{"res_multistep_ancestral_cfg_pp", methods::res_multistep_ancestral_cfg_pp},
    Named{"gradient_estimation", methods::gradient_estimation},
    Named{"gradient_estimation_cfg_pp", methods::gradient_estimation_cfg_pp},
    Named{"er_sde", methods::er_sde},
    Named{"seeds_2", methods::seeds_2},
    Named{"seeds_3", methods::seeds_3},
    Named{"sa_solver", methods::sa_solver},
    Named{"sa_solver_pece", methods::sa_solver_pece},
    Named{"ddim", methods::euler},
    Named{"uni_pc", methods::uni_pc},
    Named{"uni_pc_bh2", methods::uni_pc_bh2},
};

Method find_method(const Sampler& sampler) {
  if (sampler.name == "euler_cfg_pp" && sampler.options.choice("version", "regular") == "alternative") return methods::euler_cfg_pp_alternative;
  if (sampler.name == "lcm_upscale") return methods::lcm_upscale;
  for (const auto& known : kMethods)
    if (sampler.name == known.name) return known.method;
  throw InvalidInput("sampler: \"" + sampler.name + "\" is not known");
}

}  // namespace

double SamplerOptions::number(std::string_view name, double fallback) const {
  for (const auto& [known, value] : numbers)
    if (known == name) return value;
  return fallback;
}

std::string SamplerOptions::choice(std::string_view name, std::string_view fallback) const {
  for (const auto& [known, value] : choices)
    if (known == name) return value;
  return std::string(fallback);
}

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& known : kMethods) all.emplace_back(known.name);
    return all;
  }();
  return names;
}

at::Tensor run_sampler(const Sampler& sampler, Denoiser& model, at::Tensor x, const std::vector<float>& sigmas, const SamplerRun& run) {
  const auto method = sampler.own ? nullptr : find_method(sampler);
  for (const float sigma : sigmas)
    if (!std::isfinite(sigma) || sigma < 0) throw InvalidInput("sigmas: expected finite numbers of at least 0, got " + std::to_string(sigma));
  if (sigmas.size() < 2) return x;
  if (sampler.own) return sampler.own(model, std::move(x), sigmas, run);
  Walk walk(model, {sigmas.begin(), sigmas.end()}, sampler, run);
  return method(walk, std::move(x));
}

bool discards_penultimate_sigma(std::string_view sampler) {
  constexpr std::array<std::string_view, 4> kDiscarding{"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"};
  return std::find(kDiscarding.begin(), kDiscarding.end(), sampler) != kDiscarding.end();
}

}  // namespace darkroom
