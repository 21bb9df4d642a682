// One autoencoder on one picture, over and over: `darkroom-bench-vae MODEL decode|encode INPUT [THREADS] [--bf16] [--out FILE]`.
// Each line on standard input starts one run; its seconds of wall clock and of processor time and the peak of memory in MiB come back
// as a line. `--out` writes the first result as safetensors. bench/vae.py drives it beside a peer, turn by turn.

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <fstream>
#include <iostream>
#include <string>

#include "diffusion/vae.hpp"
#include "tensor/safetensors.hpp"
#include "worker/memory.hpp"
#include "turns.hpp"

int main(int argc, char** argv) {
  using namespace darkroom;
  if (argc < 4) {
    std::cerr << "usage: darkroom-bench-vae MODEL decode|encode INPUT [THREADS] [--bf16] [--out FILE]\n"
                 "INPUT: a safetensors file with `latent` [1,4,h,w] and `image` [1,H,W,3]\n";
    return 2;
  }
  try {
    tune_allocator();
    const std::string what = argv[2];
    bool bf16 = false;
    std::string out;
    for (int i = 4; i < argc; ++i) {
      const std::string word = argv[i];
      if (word == "--bf16") bf16 = true;
      else if (word == "--out" && i + 1 < argc) out = argv[++i];
      else at::set_num_threads(std::stoi(word));
    }
    const c10::InferenceMode guard;
    const auto vae = load_vae(Weights(std::make_shared<const StateDict>(read_safetensors(argv[1]).tensors)), {.dtype = bf16 ? at::kBFloat16 : at::kFloat});
    if (!vae) throw std::runtime_error("no VAE in the file");
    const auto input = read_safetensors(argv[3]).tensors;
    take_turns([&] {
      const auto result = what == "encode" ? vae->encode(input.at("image"), {}) : vae->decode(input.at("latent"), {});
      if (!out.empty()) std::ofstream(out, std::ios::binary) << dump_safetensors({{"result", result}});
      out.clear();
    });
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
