#pragma once
// Every sampling method, one file a family. x has its noise already; the result is x at the last sigma.

#include "diffusion/samplers/walk.hpp"

namespace darkroom::methods {

at::Tensor euler(Walk& walk, at::Tensor x);                   // euler.cpp
at::Tensor euler_ancestral(Walk& walk, at::Tensor x);
at::Tensor euler_cfg_pp(Walk& walk, at::Tensor x);            // cfg_pp.cpp
at::Tensor euler_cfg_pp_alternative(Walk& walk, at::Tensor x);
at::Tensor euler_ancestral_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor dpmpp_2s_ancestral_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor dpmpp_2m_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor heun(Walk& walk, at::Tensor x);                    // heun.cpp
at::Tensor heunpp2(Walk& walk, at::Tensor x);
at::Tensor dpm_2(Walk& walk, at::Tensor x);                   // dpm_2.cpp
at::Tensor dpm_2_ancestral(Walk& walk, at::Tensor x);
at::Tensor lms(Walk& walk, at::Tensor x);                     // adams_bashforth.cpp
at::Tensor ipndm(Walk& walk, at::Tensor x);
at::Tensor ipndm_v(Walk& walk, at::Tensor x);
at::Tensor deis(Walk& walk, at::Tensor x);                    // deis.cpp
at::Tensor dpm_fast(Walk& walk, at::Tensor x);                // dpm_solver.cpp
at::Tensor dpm_adaptive(Walk& walk, at::Tensor x);
at::Tensor dpmpp_2s_ancestral(Walk& walk, at::Tensor x);      // dpmpp.cpp
at::Tensor dpmpp_2m(Walk& walk, at::Tensor x);
at::Tensor dpmpp_sde(Walk& walk, at::Tensor x);               // dpmpp_sde.cpp
at::Tensor dpmpp_2m_sde(Walk& walk, at::Tensor x);
at::Tensor dpmpp_2m_sde_heun(Walk& walk, at::Tensor x);
at::Tensor dpmpp_3m_sde(Walk& walk, at::Tensor x);
at::Tensor ddpm(Walk& walk, at::Tensor x);                    // ddpm.cpp
at::Tensor lcm(Walk& walk, at::Tensor x);                     // lcm.cpp
at::Tensor lcm_upscale(Walk& walk, at::Tensor x);
at::Tensor res_multistep(Walk& walk, at::Tensor x);           // res_multistep.cpp
at::Tensor res_multistep_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor res_multistep_ancestral(Walk& walk, at::Tensor x);
at::Tensor res_multistep_ancestral_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor gradient_estimation(Walk& walk, at::Tensor x);     // gradient_estimation.cpp
at::Tensor gradient_estimation_cfg_pp(Walk& walk, at::Tensor x);
at::Tensor er_sde(Walk& walk, at::Tensor x);                  // er_sde.cpp
at::Tensor seeds_2(Walk& walk, at::Tensor x);                 // seeds.cpp
at::Tensor seeds_3(Walk& walk, at::Tensor x);
at::Tensor exp_heun_2_x0(Walk& walk, at::Tensor x);
at::Tensor exp_heun_2_x0_sde(Walk& walk, at::Tensor x);
at::Tensor sa_solver(Walk& walk, at::Tensor x);               // sa_solver.cpp
at::Tensor sa_solver_pece(Walk& walk, at::Tensor x);
at::Tensor uni_pc(Walk& walk, at::Tensor x);                  // uni_pc.cpp
at::Tensor uni_pc_bh2(Walk& walk, at::Tensor x);

}  // namespace darkroom::methods
