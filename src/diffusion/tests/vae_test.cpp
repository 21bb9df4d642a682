#include "diffusion/vae.hpp"

#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <new>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/vae_names.hpp"
#include "tensor/model_budget.hpp"
#include "tensor/packed.hpp"
#include "tensor/tests/test_device.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

/// Numbers of unit/vae: allowed root mean square error, as for whole model runs.
constexpr double kModelError = 2e-4;

class GoldenUnit_Vae : public testing::Test {
 protected:
  void SetUp() override {
    if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
    golden_ = golden_unit("vae");
  }
  const at::Tensor& want(const std::string& name) const { return golden_.at(name); }

  c10::InferenceMode guard_;
  StateDict golden_;
};

TEST_F(GoldenUnit_Vae, Decodes) {
  const auto vae = load_vae(weights_of(*golden_model("vae/tiny_vae.safetensors")), test_compute());
  ASSERT_TRUE(vae);
  EXPECT_EQ(vae->info().architecture, "KL-f8");
  EXPECT_EQ(vae->bytes(), 0u);
  EXPECT_LT(relative_error(vae->decode(want("z"), {}), want("decoded")), kModelError);
  EXPECT_GT(vae->bytes(), 0u);
}

TEST_F(GoldenUnit_Vae, Encodes) {
  const auto vae = load_vae(weights_of(*golden_model("vae/tiny_vae.safetensors")), test_compute());
  EXPECT_LT(relative_error(vae->encode(want("image"), {}), want("encoded")), kModelError);
}

TEST_F(GoldenUnit_Vae, TaesdBothWays) {
  const auto encoder = weights_of(*golden_model("vae_approx/taesd_encoder.safetensors")), decoder = weights_of(*golden_model("vae_approx/taesd_decoder.safetensors"));
  const auto vae = load_taesd(&encoder, &decoder, 0.18215);
  EXPECT_LT(relative_error(vae->decode(want("z"), {}), want("taesd.decoded")), kModelError);
  EXPECT_LT(relative_error(vae->encode(want("image"), {}), want("taesd.encoded")), kModelError);
}

TEST_F(GoldenUnit_Vae, StaysCloseInBf16) {
  const auto vae = load_vae(weights_of(*golden_model("vae/tiny_vae.safetensors")), {.dtype = at::kBFloat16});
  EXPECT_GT(psnr(vae->decode(want("z"), {}), want("decoded")), 40);
  EXPECT_GT(psnr(vae->encode(want("image"), {}), want("encoded")), 38);
}

/// Random weights of a narrow autoencoder with two levels, in single-file names.
StateDict narrow_vae() {
  StateDict t;
  const auto conv = [&](const std::string& name, std::int64_t out, std::int64_t in, std::int64_t side) {
    t[name + ".weight"] = at::randn({out, in, side, side}).mul_(1 / std::sqrt(static_cast<double>(in * side * side)));
    t[name + ".bias"] = at::randn({out}).mul_(0.1);
  };
  const auto norm = [&](const std::string& name, std::int64_t channels) {
    t[name + ".weight"] = at::rand({channels}).add_(0.5);
    t[name + ".bias"] = at::randn({channels}).mul_(0.1);
  };
  const auto block = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    norm(name + ".norm1", in), conv(name + ".conv1", out, in, 3), norm(name + ".norm2", out), conv(name + ".conv2", out, out, 3);
    if (in != out) conv(name + ".nin_shortcut", out, in, 1);
  };
  const auto middle = [&](const std::string& name, std::int64_t channels) {
    block(name + ".block_1", channels, channels), block(name + ".block_2", channels, channels), norm(name + ".attn_1.norm", channels);
    for (const char* part : {"q", "k", "v", "proj_out"}) conv(name + ".attn_1." + part, channels, channels, 1);
  };
  conv("decoder.conv_in", 64, 4, 3), middle("decoder.mid", 64);
  block("decoder.up.1.block.0", 64, 64), conv("decoder.up.1.upsample.conv", 64, 64, 3), block("decoder.up.0.block.0", 64, 32), block("decoder.up.0.block.1", 32, 32);
  norm("decoder.norm_out", 32), conv("decoder.conv_out", 3, 32, 3);
  conv("encoder.conv_in", 32, 3, 3), block("encoder.down.0.block.0", 32, 32), conv("encoder.down.0.downsample.conv", 32, 32, 3), block("encoder.down.1.block.0", 32, 64);
  middle("encoder.mid", 64), norm("encoder.norm_out", 64), conv("encoder.conv_out", 8, 64, 3);
  conv("quant_conv", 8, 8, 1), conv("post_quant_conv", 4, 4, 1);
  return t;
}

std::shared_ptr<const Vae> load(StateDict tensors) { return load_vae(Weights(std::make_shared<const StateDict>(std::move(tensors)))); }

/// What diffusers would call a tensor of narrow_vae().
std::string diffusers_name(std::string name) {
  const std::pair<const char*, const char*> table[] = {{"mid.block_1.", "mid_block.resnets.0."}, {"mid.block_2.", "mid_block.resnets.1."}, {"mid.attn_1.", "mid_block.attentions.0."},
      {".norm.", ".group_norm."}, {".q.", ".to_q."}, {".k.", ".to_k."}, {".v.", ".to_v."}, {".proj_out.", ".to_out.0."}, {"nin_shortcut", "conv_shortcut"}, {"norm_out", "conv_norm_out"},
      {"up.1.block.", "up_blocks.0.resnets."}, {"up.0.block.", "up_blocks.1.resnets."}, {"up.1.upsample.", "up_blocks.0.upsamplers.0."},
      {"down.0.block.", "down_blocks.0.resnets."}, {"down.1.block.", "down_blocks.1.resnets."}, {"down.0.downsample.", "down_blocks.0.downsamplers.0."}};
  for (const auto& [from, to] : table)
    if (const auto at = name.find(from); at != std::string::npos) name.replace(at, std::strlen(from), to);
  return name;
}

class NarrowVae : public testing::Test {
 protected:
  c10::InferenceMode guard_;
};

TEST_F(NarrowVae, IsFoundInAllForms) {
  const auto tensors = narrow_vae();
  const auto latent = at::randn({1, 4, 6, 5}), image = at::rand({1, 12, 10, 3});
  const auto vae = load(tensors);
  ASSERT_TRUE(vae);
  EXPECT_EQ(vae->info().downscale, 2);
  const auto decoded = vae->decode(latent, {}), encoded = vae->encode(image, {});
  EXPECT_EQ(decoded.sizes(), (at::IntArrayRef{1, 12, 10, 3}));
  EXPECT_EQ(encoded.sizes(), (at::IntArrayRef{1, 4, 6, 5}));

  StateDict checkpoint{{"model.diffusion_model.out.2.bias", at::zeros({4})}}, diffusers;
  for (const auto& [name, tensor] : tensors) {
    checkpoint["first_stage_model." + name] = tensor;
    const bool attention = name.find(".attn_1.") != std::string::npos;
    diffusers[diffusers_name(name)] = attention && tensor.dim() == 4 ? tensor.flatten(1) : tensor;
  }
  for (const auto& other : {load(checkpoint), load(diffusers)}) {
    ASSERT_TRUE(other);
    EXPECT_TRUE(other->decode(latent, {}).equal(decoded));
    EXPECT_TRUE(other->encode(image, {}).equal(encoded));
    EXPECT_EQ(other->state_dict().size(), tensors.size());
  }
  EXPECT_EQ(load({{"model.diffusion_model.out.2.bias", at::zeros({4})}}), nullptr);
}

TEST_F(NarrowVae, NamesTheTensorThatIsWrong) {
  for (const auto& [name, replacement] : {std::pair<std::string, at::Tensor>{"decoder.up.0.block.1.conv2.weight", {}},
                                          {"decoder.up.0.block.0.nin_shortcut.weight", at::zeros({32, 64, 3, 3})},
                                          {"encoder.mid.attn_1.k.bias", at::zeros({63})},
                                          {"decoder.conv_in.bias", at::zeros({64}, at::kLong)},
                                          {"decoder.norm_out.weight", at::zeros({32, 1})}}) {
    auto tensors = narrow_vae();
    if (replacement.defined()) tensors[name] = replacement;
    else tensors.erase(name);
    try {
      load(tensors);
      ADD_FAILURE() << name;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  }
}

TEST_F(NarrowVae, RefusesWhatItCannotTake) {
  const auto vae = load(narrow_vae());
  EXPECT_THROW(vae->decode(at::zeros({1, 16, 4, 4}), {}), InvalidInput);
  EXPECT_THROW(vae->decode(at::zeros({1, 4, 0, 4}), {}), InvalidInput);
  EXPECT_THROW(vae->decode(at::zeros({0, 4, 4, 4}), {}), InvalidInput);
  EXPECT_THROW(vae->decode(at::zeros({1, 4, 3, 4, 4}), {}), InvalidInput);
  EXPECT_THROW(vae->encode(at::zeros({1, 1, 8, 3}), {}), InvalidInput);
  EXPECT_THROW(vae->encode(at::zeros({1, 8, 8, 2}), {}), InvalidInput);
  EXPECT_THROW(vae->encode_tiled(at::zeros({1, 64, 64, 3}), {.tile = 32, .overlap = 16}, {}), InvalidInput);
}

TEST_F(NarrowVae, CutsOddPicturesAroundTheCentreAndDropsAlpha) {
  const auto vae = load(narrow_vae());
  const auto image = at::rand({2, 9, 11, 4});
  const auto middle = image.narrow(1, 0, 8).narrow(2, 0, 10).narrow(3, 0, 3);  // (9 % 2) / 2 = 0
  EXPECT_TRUE(vae->encode(image, {}).equal(vae->encode(middle, {})));
}

TEST_F(NarrowVae, TakesABatchOneByOne) {
  const auto vae = load(narrow_vae());
  const auto latent = at::randn({3, 4, 5, 7});
  const auto all = vae->decode(latent, {});
  EXPECT_TRUE(all.narrow(0, 2, 1).equal(vae->decode(latent.narrow(0, 2, 1), {})));
}

TEST_F(NarrowVae, MakesNothingOfNaN) {
  const auto vae = load(narrow_vae());
  const auto picture = vae->decode(at::zeros({1, 4, 8, 8}).fill_(std::numeric_limits<float>::quiet_NaN()), {});
  EXPECT_TRUE(picture.isnan().all().item<bool>());
}

TEST_F(NarrowVae, FallsBackToTilesWhenMemoryIsShort) {
  const auto vae = load(narrow_vae());
  const auto latent = at::randn({1, 4, 68, 60});
  std::int64_t last = 0, of = 0;
  VaeRun run{.progress = [&](auto value, auto max) { last = value, of = max; }, .memory = [] { return std::size_t{1} << 20; }};
  const auto picture = vae->decode(latent, run);
  EXPECT_TRUE(picture.equal(vae->decode_tiled(latent, {.tile = 128, .overlap = 32}, {})));
  EXPECT_GT(of, 3);
  EXPECT_EQ(last, of);
}

/// A model that is nothing but its size.
struct Weight {
  std::size_t bytes() const { return 1 << 20; }
};

TEST_F(NarrowVae, OthersGoBeforeItWorksInTiles) {
  const auto budget = std::make_shared<ModelBudget>();
  const auto vae = load_vae(Weights(std::make_shared<const StateDict>(narrow_vae())), {.budget = budget});
  const Packed<Weight> other(budget, 0, [] { return std::make_shared<const Weight>(); });
  other.acquire();
  const auto latent = at::randn({1, 4, 8, 8});
  int failures = 1, tiles = 0;
  const auto fail = [&] {
    if (failures-- > 0) throw std::bad_alloc();
  };
  const VaeRun run{.check = fail, .progress = [&](auto, auto) { ++tiles; }};
  vae->decode(latent, run);
  EXPECT_EQ(other.bytes(), 0u);
  EXPECT_EQ(tiles, 0);
  failures = 1;
  vae->decode(latent, run);
  EXPECT_GT(tiles, 0) << "there was nobody else any more";
}

TEST_F(NarrowVae, StopsBetweenBlocks) {
  const auto vae = load(narrow_vae());
  int calls = 0;
  VaeRun run{.check = [&] { if (++calls == 3) throw InvalidInput("stop"); }};
  EXPECT_THROW(vae->decode(at::randn({1, 4, 8, 8}), run), InvalidInput);
  EXPECT_EQ(calls, 3);
}

TEST_F(NarrowVae, PacksAgainAfterADrop) {
  const auto vae = load(narrow_vae());
  const auto latent = at::randn({1, 4, 4, 4});
  const auto picture = vae->decode(latent, {});
  vae->drop();
  EXPECT_EQ(vae->bytes(), 0u);
  EXPECT_TRUE(vae->decode(latent, {}).equal(picture));
}

TEST(PixelSpace, IsThePictureItself) {
  const c10::InferenceMode guard;
  const auto vae = pixel_space_vae();
  const auto image = at::rand({2, 5, 7, 4});
  const auto latent = vae->encode(image, {});
  EXPECT_EQ(latent.sizes(), (at::IntArrayRef{2, 3, 5, 7}));
  const auto before = latent.clone();
  EXPECT_LT(vae->decode(latent, {}).sub(image.narrow(3, 0, 3)).abs().max().item<float>(), 1e-6);
  EXPECT_TRUE(latent.equal(before));
}

}  // namespace
}  // namespace darkroom
