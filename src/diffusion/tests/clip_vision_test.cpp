#include "diffusion/clip_vision.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/clip_vision_names.hpp"
#include "diffusion/tests/golden.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kWidth = 64, kPatch = 8, kGrid = 4, kOut = 24;

/// Two layers over 4x4 patches, in the transformers library's names.
StateDict small_vision() {
  StateDict tensors;
  const std::string model = "vision_model.";
  const auto both = [&tensors](const std::string& name, std::int64_t out, std::int64_t in) {
    tensors.emplace(name + ".weight", at::randn({out, in}).div_(std::sqrt(static_cast<double>(in))));
    tensors.emplace(name + ".bias", at::randn({out}).mul_(0.1));
  };
  const auto norm = [&tensors](const std::string& name) { tensors.emplace(name + ".weight", at::ones({kWidth})), tensors.emplace(name + ".bias", at::randn({kWidth}).mul_(0.1)); };
  tensors.emplace(model + "embeddings.class_embedding", at::randn({kWidth}));
  tensors.emplace(model + "embeddings.patch_embedding.weight", at::randn({kWidth, 3, kPatch, kPatch}).div_(14));
  tensors.emplace(model + "embeddings.position_embedding.weight", at::randn({kGrid * kGrid + 1, kWidth}));
  norm(model + "pre_layrnorm"), norm(model + "post_layernorm");
  for (int i = 0; i < 2; ++i) {
    const auto layer = model + "encoder.layers." + std::to_string(i) + ".";
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"}) both(layer + name, kWidth, kWidth);
    both(layer + "mlp.fc1", 4 * kWidth, kWidth), both(layer + "mlp.fc2", kWidth, 4 * kWidth);
    norm(layer + "layer_norm1"), norm(layer + "layer_norm2");
  }
  tensors.emplace("visual_projection.weight", at::randn({kOut, kWidth}));
  return tensors;
}

/// The same in OpenCLIP's names below `prefix`.
StateDict open_clip(const StateDict& theirs, const std::string& prefix) {
  const std::vector<std::pair<std::string, std::string>> names = {{"vision_model.embeddings.class_embedding", "class_embedding"}, {"vision_model.embeddings.patch_embedding.", "conv1."},
                                                                  {"vision_model.embeddings.position_embedding.weight", "positional_embedding"}, {"vision_model.pre_layrnorm.", "ln_pre."},
                                                                  {"vision_model.post_layernorm.", "ln_post."}, {"vision_model.encoder.layers.", "transformer.resblocks."}};
  const std::vector<std::pair<std::string, std::string>> parts = {{"layer_norm1", "ln_1"}, {"layer_norm2", "ln_2"}, {"self_attn.out_proj", "attn.out_proj"}, {"mlp.fc1", "mlp.c_fc"}, {"mlp.fc2", "mlp.c_proj"}};
  StateDict made;
  for (const auto& [name, tensor] : theirs) {
    if (name == "visual_projection.weight") {
      made.emplace(prefix + "proj", tensor.t());
      continue;
    }
    auto ours = name;
    for (const auto& [from, to] : names)
      if (name.starts_with(from)) ours = to + name.substr(from.size());
    if (ours.find("k_proj") != ours.npos || ours.find("v_proj") != ours.npos) continue;
    if (const auto q = ours.find("self_attn.q_proj."); q != ours.npos) {
      const auto kind = ours.substr(q + 17);
      const auto of = [&](const char* projection) { return theirs.at("vision_model.encoder.layers." + ours.substr(22, 1) + ".self_attn." + projection + "." + kind); };
      made.emplace(prefix + ours.substr(0, q) + "attn.in_proj_" + kind, concat({of("q_proj"), of("k_proj"), of("v_proj")}));
      continue;
    }
    for (const auto& [from, to] : parts)
      if (const auto at = ours.find(from); at != ours.npos) ours = ours.substr(0, at) + to + ours.substr(at + from.size());
    made.emplace(prefix + ours, tensor);
  }
  return made;
}

std::shared_ptr<const StateDict> shared(StateDict tensors) { return std::make_shared<const StateDict>(std::move(tensors)); }

TEST(ClipVision, ReadsBothFormsOfNames) {
  const c10::InferenceMode guard;
  const auto tensors = small_vision();
  const auto image = at::rand({3, 32, 32, 3});
  const auto want = load_clip_vision(shared(tensors))->encode(image, true, {});
  EXPECT_EQ(want.embedding.sizes(), at::IntArrayRef({3, kOut}));
  EXPECT_EQ(want.last.sizes(), at::IntArrayRef({3, kGrid * kGrid + 1, kWidth}));
  EXPECT_GT(relative_error(want.penultimate, want.last), 1e-2);
  for (const char* prefix : {"visual.", "embedder.model.visual."}) {
    const auto got = load_clip_vision(shared(open_clip(tensors, prefix)))->encode(image, true, {});
    EXPECT_LT(relative_error(got.embedding, want.embedding), 1e-5) << prefix;
    EXPECT_LT(relative_error(got.last, want.last), 1e-5) << prefix;
  }
  // Pictures do not see each other, however many there are.
  const auto one = load_clip_vision(shared(tensors))->encode(image.narrow(0, 2, 1), true, {});
  EXPECT_LT(relative_error(one.embedding, want.embedding.narrow(0, 2, 1)), 1e-5);
  EXPECT_EQ(load_clip_vision(shared({{"something", at::rand({1})}})), nullptr);
}

/// What real shapes give for golden/inputs/ga_wide.png: of the states tokens 0, 1, 100 and 256, of those the first 16 numbers.
class GoldenUnit_ClipVision : public testing::TestWithParam<std::string> {};

TEST_P(GoldenUnit_ClipVision, Matches) {
  const c10::InferenceMode guard;
  if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto want = read_safetensors(DARKROOM_TEST_DATA "/observed/vision/encoders.safetensors").tensors;
  const auto& name = GetParam();
  const bool squeezed = name == "l_none";
  const std::string file = name == "open_h" ? "seen_open_clip_h" : "seen_clip_" + (squeezed ? "l" : name);
  const auto vision = load_clip_vision(shared(read_safetensors(golden_model("clip_vision/" + file + ".safetensors").value()).tensors));
  ASSERT_TRUE(vision);
  const auto got = vision->encode(want.at("picture").to(at::kFloat).div(255), !squeezed, {});
  EXPECT_LT(relative_error(got.embedding, want.at(name + ".embedding")), 1e-4);
  const auto slice = [](const at::Tensor& states) { return at::stack({states.select(1, 0), states.select(1, 1), states.select(1, 100), states.select(1, 256)}, 1).narrow(2, 0, 16); };
  EXPECT_LT(relative_error(slice(got.last), want.at(name + ".last")), 1e-4);
  EXPECT_LT(relative_error(slice(got.penultimate), want.at(name + ".penultimate")), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Encoders, GoldenUnit_ClipVision, testing::Values("l", "l_none", "l_336", "h", "open_h", "g"), [](const auto& instance) { return instance.param; });

TEST(ClipVision, CutsTheMiddleOrSqueezes) {
  const c10::InferenceMode guard;
  auto wide = at::full({1, 32, 96, 3}, 0.5);
  wide.narrow(2, 0, 32).fill_(1), wide.narrow(2, 64, 32).fill_(0);
  const auto cut = clip_pixels(wide, 32, true), squeezed = clip_pixels(wide, 32, false);
  EXPECT_EQ(cut.sizes(), at::IntArrayRef({1, 3, 32, 32}));
  EXPECT_LT(cut.std().item<double>(), 0.2);        // the grey third alone
  EXPECT_GT(squeezed.std().item<double>(), 1);     // all of it
  // 0.5 is rounded to 8 bits first: 128 of 255.
  EXPECT_NEAR(cut[0][0][5][5].item<double>(), (128 / 255. - 0.48145466) / 0.26862954, 1e-6);
  EXPECT_EQ(clip_pixels(at::rand({2, 9, 70, 4}), 32, true).sizes(), at::IntArrayRef({2, 3, 32, 32}));
  EXPECT_EQ(clip_pixels(at::rand({1, 1, 1, 1}), 32, true).sizes(), at::IntArrayRef({1, 3, 32, 32}));
  EXPECT_THROW(clip_pixels(at::rand({32, 32, 3}), 32, true), InvalidInput);
}

TEST(ClipVision, RefusesWhatIsIncomplete) {
  const c10::InferenceMode guard;
  for (const char* name : {"vision_model.embeddings.class_embedding", "vision_model.embeddings.position_embedding.weight", "vision_model.encoder.layers.0.layer_norm1.weight"}) {
    auto cut = small_vision();
    ASSERT_EQ(cut.erase(name), 1U);
    EXPECT_THROW(load_clip_vision(shared(cut)), InvalidInput) << name;
  }
  auto cut = small_vision();
  cut.erase("vision_model.encoder.layers.1.mlp.fc2.weight");
  EXPECT_THROW(load_clip_vision(shared(cut))->encode(at::rand({1, 32, 32, 3}), true, {}), InvalidInput);
  auto odd = small_vision();
  odd["vision_model.embeddings.position_embedding.weight"] = at::rand({19, kWidth});
  EXPECT_THROW(load_clip_vision(shared(odd)), InvalidInput);
}

}  // namespace
}  // namespace darkroom
