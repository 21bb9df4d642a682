#pragma once
// A small UNet and its ControlNet with random weights, for tests that must not take seconds.

#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "diffusion/unet.hpp"

namespace darkroom {

/// A UNet of two levels of 64 channels (two a group: the norms must not swallow the time) with every kind of block, so that shapes can be tried in milliseconds.
class SmallUNet {
 public:
  SmallUNet() {
    const auto add = [this](const std::string& name, std::vector<std::int64_t> sizes) {
      auto tensor = at::randn(sizes);
      if (sizes.size() > 1) tensor.div_(std::sqrt(static_cast<double>(tensor.numel() / sizes[0])));
      else tensor.mul_(0.1).add_(name.ends_with("weight") ? 1 : 0);
      tensors_.emplace(name, tensor);
    };
    const auto both = [&](const std::string& name, std::vector<std::int64_t> sizes) {
      add(name + ".weight", sizes);
      add(name + ".bias", {sizes[0]});
    };
    const auto residual = [&](const std::string& name, std::int64_t in, std::int64_t out) {
      both(name + ".in_layers.0", {in}), both(name + ".in_layers.2", {out, in, 3, 3}), both(name + ".emb_layers.1", {out, 4 * kWidth});
      both(name + ".out_layers.0", {out}), both(name + ".out_layers.3", {out, out, 3, 3});
      if (in != out) both(name + ".skip_connection", {out, in, 1, 1});
    };
    const auto transformer = [&](const std::string& name) {
      both(name + ".norm", {kWidth}), both(name + ".proj_in", {kWidth, kWidth, 1, 1}), both(name + ".proj_out", {kWidth, kWidth, 1, 1});
      const auto block = name + ".transformer_blocks.0.";
      for (const char* attention : {"attn1", "attn2"}) {
        const auto source = std::string(attention) == "attn1" ? kWidth : 768;
        add(block + attention + ".to_q.weight", {kWidth, kWidth}), add(block + attention + ".to_k.weight", {kWidth, source}), add(block + attention + ".to_v.weight", {kWidth, source});
        both(block + attention + ".to_out.0", {kWidth, kWidth});
      }
      for (const char* norm : {"norm1", "norm2", "norm3"}) both(block + norm, {kWidth});
      both(block + "ff.net.0.proj", {8 * kWidth, kWidth}), both(block + "ff.net.2", {kWidth, 4 * kWidth});
    };
    both("time_embed.0", {4 * kWidth, kWidth}), both("time_embed.2", {4 * kWidth, 4 * kWidth});
    both("input_blocks.0.0", {kWidth, 4, 3, 3});
    residual("input_blocks.1.0", kWidth, kWidth), transformer("input_blocks.1.1");
    both("input_blocks.2.0.op", {kWidth, kWidth, 3, 3});
    residual("input_blocks.3.0", kWidth, kWidth);
    residual("middle_block.0", kWidth, kWidth), transformer("middle_block.1"), residual("middle_block.2", kWidth, kWidth);
    for (int i = 0; i < 4; ++i) residual("output_blocks." + std::to_string(i) + ".0", 2 * kWidth, kWidth);
    both("output_blocks.1.1.conv", {kWidth, kWidth, 3, 3});
    transformer("output_blocks.2.1"), transformer("output_blocks.3.1");
    both("out.0", {kWidth}), both("out.2", {4, kWidth, 3, 3});
  }
  /// The ControlNet of it: its input half and middle, with zero convolutions that aren't zero, and the hint's layers.
  StateDict control() const {
    StateDict made;
    for (const auto& [name, tensor] : tensors_)
      if (name.starts_with("time_embed.") || name.starts_with("input_blocks.") || name.starts_with("middle_block.")) made.emplace(name, at::randn_like(tensor).mul_(0.1).add_(tensor));
    const auto add = [&made](const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
      made.emplace(name + ".weight", at::randn({out, in, kernel, kernel}).div_(std::sqrt(static_cast<double>(in * kernel * kernel))));
      made.emplace(name + ".bias", at::randn({out}).mul_(0.1));
    };
    for (int i = 0; i < 4; ++i) add("zero_convs." + std::to_string(i) + ".0", kWidth, kWidth, 1);
    add("middle_block_out.0", kWidth, kWidth, 1);
    const std::vector<std::int64_t> widths{3, 16, 16, 32, 32, 96, 96, 256, kWidth};
    for (std::size_t i = 0; i < 8; ++i) add("input_hint_block." + std::to_string(2 * i), widths[i + 1], widths[i], 3);
    return made;
  }
  StateDict& tensors() { return tensors_; }
  Weights weights() const { return Weights(std::make_shared<const StateDict>(tensors_)); }
  UNet make(const Compute& compute = {}) const { return UNet(weights(), detect_unet(weights()).value(), compute); }

 private:
  static constexpr std::int64_t kWidth = 64;
  StateDict tensors_;
};

inline UNetCall random_call(std::int64_t batch, std::int64_t height, std::int64_t width, std::int64_t text = 77) {
  UNetCall call;
  call.x = at::randn({batch, 4, height, width}), call.timesteps = at::arange(batch).to(at::kFloat).mul(100).add(37), call.context = at::randn({batch, text, 768});
  return call;
}

}  // namespace darkroom
