// Text encoders in the names of checkpoints: what is saved is read again as the same.

#include "diffusion/clip_names.hpp"

#include <gtest/gtest.h>

#include "diffusion/tests/small_clip.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const Clip> clip_with(TextFamily family, const std::vector<std::string>& encoders) {
  auto tensors = std::make_shared<StateDict>();
  for (const auto& encoder : encoders) {
    tensors->merge(small_clip(encoder + ".transformer.text_model."));
    if (encoder != "clip_l") tensors->emplace(encoder + ".transformer.text_projection.weight", scattered({48, 64}, 1, 5));
  }
  return std::make_shared<const Clip>(family, Weights(std::move(tensors)));
}

std::shared_ptr<StateDict> made(const std::vector<NamedTensor>& named) {
  auto tensors = std::make_shared<StateDict>();
  for (const auto& tensor : named) {
    const auto value = tensor.make();
    EXPECT_EQ(value.sizes(), at::IntArrayRef(tensor.shape)) << tensor.name;
    EXPECT_EQ(value.scalar_type(), tensor.dtype) << tensor.name;
    EXPECT_TRUE(tensors->emplace(tensor.name, value.contiguous()).second) << tensor.name;
  }
  return tensors;
}

void expect_same_weights(const Clip& got, const Clip& want) {
  ASSERT_EQ(got.weight_names(), want.weight_names());
  for (const auto& name : want.weight_names()) EXPECT_TRUE(got.weights().get(name).equal(want.weights().get(name))) << name;
}

struct Saved {
  TextFamily family;
  std::vector<std::string> encoders;
  const char* a_name;
};

class CheckpointNames : public testing::TestWithParam<Saved> {};

TEST_P(CheckpointNames, AreReadAgain) {
  const auto clip = clip_with(GetParam().family, GetParam().encoders);
  const auto tensors = made(checkpoint_text_encoders(clip));
  EXPECT_TRUE(tensors->contains(GetParam().a_name));
  const auto again = load_checkpoint_clip(tensors);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->family(), clip->family());
  expect_same_weights(*again, *clip);
}

INSTANTIATE_TEST_SUITE_P(Families, CheckpointNames,
                         testing::Values(Saved{TextFamily::kSd1, {"clip_l"}, "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc1.bias"},
                                         Saved{TextFamily::kSd2, {"clip_h"}, "cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight"},
                                         Saved{TextFamily::kSdxl, {"clip_l", "clip_g"}, "conditioner.embedders.1.model.text_projection"},
                                         Saved{TextFamily::kSdxlRefiner, {"clip_g"}, "conditioner.embedders.0.model.positional_embedding"}),
                         [](const auto& instance) { return instance.param.encoders.front() + std::to_string(instance.index); });

TEST(TextEncoderAlone, HasTheNamesOfTheTransformersLibrary) {
  const auto clip = clip_with(TextFamily::kSdxl, {"clip_l", "clip_g"});
  EXPECT_EQ(text_encoders_of(*clip), (std::vector<std::string>{"clip_l", "clip_g"}));
  const auto g = made(text_encoder_alone(clip, "clip_g"));
  EXPECT_TRUE(g->contains("text_projection.weight"));
  EXPECT_TRUE(g->contains("text_model.encoder.layers.0.self_attn.q_proj.weight"));
  EXPECT_EQ(made(text_encoder_alone(clip, "clip_l"))->size(), g->size() - 1);
}

}  // namespace
}  // namespace darkroom
