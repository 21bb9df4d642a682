// From a prompt to conditioning: the text encoders of each family.

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/json.hpp"
#include "diffusion/bpe.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/clip_weights.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/tests/prompts.hpp"
#include "diffusion/tests/small_clip.hpp"
#include "diffusion/text_encoder.hpp"
#include "tensor/concat.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

/// float32 all the way: only the order of sums may differ.
constexpr double kTolerance = 2e-5;

PromptContext golden_context() { return {golden_embeddings(), {}}; }

std::shared_ptr<const Clip> golden_clip(const std::string& checkpoint) {
  const auto path = golden_model("checkpoints/" + checkpoint + ".safetensors");
  auto clip = load_checkpoint_clip(std::make_shared<const StateDict>(read_safetensors(path.value()).tensors));
  if (!clip) throw NotFound(checkpoint + " has no text encoder");
  return clip;
}

json::value golden_facts() {
  const char* folder = std::getenv("DARKROOM_GOLDEN_UNIT");
  std::ifstream file(std::filesystem::path(folder && *folder ? folder : DARKROOM_TEST_DATA "/golden/unit") / "clip.json", std::ios::binary);
  return parse_json(std::string((std::istreambuf_iterator<char>(file)), {}));
}

at::Tensor rows_of(const at::Tensor& hidden, const json::value& rows) {
  if (rows.is_null()) return hidden;
  std::vector<at::Tensor> kept;
  for (const auto& row : rows.as_array()) kept.push_back(hidden[row.to_number<std::int64_t>()]);
  return at::stack(kept);
}

class GoldenUnit_Clip : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  }
};

TEST_P(GoldenUnit_Clip, Conditioning) {
  const auto want = golden_unit("clip");
  const auto facts = golden_facts();
  const auto clip = golden_clip(GetParam());
  int compared = 0;
  for (const auto& item : facts.at("items").as_array()) {
    if (item.at("checkpoint").as_string() != GetParam()) continue;
    const std::string key(item.at("key").as_string());
    const auto& skip = item.at("stop_at_clip_layer");
    const auto used = skip.is_null() ? clip : clip->with_skip(skip.to_number<int>());
    const auto cond = used->encode(std::string_view(item.at("text").as_string()), golden_context());
    ASSERT_EQ(cond.text.size(1), item.at("tokens").to_number<std::int64_t>()) << key;
    EXPECT_LT(relative_error(rows_of(cond.text[0], item.at("rows")), want.at(key + ".cond")), kTolerance) << key;
    if (const auto pooled = want.find(key + ".pooled"); pooled != want.end()) {
      ASSERT_TRUE(cond.pooled) << key;
      EXPECT_LT(relative_error((*cond.pooled)[0], pooled->second), kTolerance) << key;
    }
    ++compared;
  }
  EXPECT_GT(compared, 2);
}

TEST_P(GoldenUnit_Clip, LayersAsWatchedOnTheReference) {
  const std::string checkpoint = GetParam();
  const auto want = read_safetensors(DARKROOM_TEST_DATA "/observed/clip/layers.safetensors").tensors;
  const auto clip = golden_clip(checkpoint);
  const auto columns = [&](const at::Tensor& hidden) {
    const auto first = hidden.narrow(1, 0, 8);
    return checkpoint == "tiny_sdxl" ? concat({first, hidden.narrow(1, 768, 8)}, 1) : first;
  };
  int compared = 0;
  for (const auto& [name, tensor] : want) {
    if (!name.starts_with(checkpoint + ".") || name.ends_with(".pooled")) continue;
    const auto middle = name.substr(checkpoint.size() + 1, name.rfind('.') - checkpoint.size() - 1);
    const bool by_prompt = middle.starts_with("prompt");
    const auto number = std::stoi(by_prompt ? middle.substr(6) : middle);
    const auto used = by_prompt ? clip : clip->with_skip(-number);
    const std::string_view text = !by_prompt ? (name.ends_with(".weighted") ? "a (fox:1.3)" : "a fox")
                                  : number == 2 ? "a embedding:emb_kohya fox" : number == 4 ? "a (embedding:emb_one:1.4) (fox:1.2)" : "a <|endoftext|> b";
    const auto cond = used->encode(text, golden_context());
    const auto rows = by_prompt ? json::array{0, 1, 2, 3, 4, 5, 76} : json::array{0, 2, 3, 76};
    EXPECT_LT(relative_error(columns(rows_of(cond.text[0], rows)), tensor), kTolerance) << name;
    const auto pooled = want.find(name.substr(0, name.rfind('.')) + ".pooled");
    if (pooled != want.end() && !name.ends_with(".weighted")) {
      EXPECT_LT(relative_error((*cond.pooled)[0].narrow(0, 0, 8), pooled->second), kTolerance) << name;
    }
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenUnit_Clip, testing::Values("tiny_sd15", "tiny_sd2_v", "tiny_sdxl"),
                         [](const auto& family) { return std::string(family.param); });

TEST(GoldenUnit_TextEncoder, ResidualStream) {
  const auto model = golden_model("checkpoints/tiny_sd15.safetensors");
  if (!model) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto want = golden_unit("clip");
  const auto facts = golden_facts();
  const auto clip = golden_clip("tiny_sd15");
  const auto text = facts.at("items").as_array()[0].at("text").as_string();
  const auto chunks = prompt_chunks(std::string_view(text), {"clip_l", Bpe::kEnd}, {});
  for (const int layer : {0, 5, 11}) {
    const auto got = encode_text(clip->weights().below("clip_l.transformer."), {true, Bpe::kEnd}, chunks, {layer, false, false}, at::kCPU, {});
    EXPECT_LT(relative_error(rows_of(got.hidden[0], facts.at("layers").at("rows")), want.at("layers." + std::to_string(layer))), kTolerance) << layer;
  }
}

TEST(GoldenUnit_TextEncoder, OfAFileOfItsOwn) {
  const auto path = golden_model("text_encoders/tiny_clip_l.safetensors");
  if (!path) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto clip = load_clip({std::make_shared<const StateDict>(read_safetensors(*path).tensors)});
  EXPECT_EQ(clip->family(), TextFamily::kSd1);
  EXPECT_EQ(clip->encode("a small (house:1.2) by a lake", {}).text.sizes(), at::IntArrayRef({1, 77, 768}));
}

// ---- with a small encoder, so that these run everywhere ----

const std::string kSd1Prefix = "cond_stage_model.transformer.text_model.";

std::shared_ptr<const Clip> clip_of(StateDict tensors) { return load_checkpoint_clip(std::make_shared<const StateDict>(std::move(tensors))); }

std::string fault_of(StateDict tensors) {
  try {
    clip_of(std::move(tensors));
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Clip, NoneInACheckpointWithout) {
  EXPECT_EQ(clip_of({}), nullptr);
  EXPECT_EQ(clip_of({{"model.diffusion_model.out.2.bias", at::ones({4})}}), nullptr);
}

TEST(Clip, OldNamesAreTheSameEncoder) {
  const auto want = clip_of(small_clip(kSd1Prefix))->encode("a cat", {});
  EXPECT_TRUE(at::equal(clip_of(small_clip("cond_stage_model.transformer."))->encode("a cat", {}).text, want.text));
}

TEST(Clip, FusedProjectionsAreSeenApart) {
  const auto plain = small_clip("");
  StateDict fused;
  const std::string to = "cond_stage_model.model.";
  fused[to + "token_embedding.weight"] = plain.at("embeddings.token_embedding.weight");
  fused[to + "positional_embedding"] = plain.at("embeddings.position_embedding.weight");
  for (const char* part : {".weight", ".bias"}) {
    fused[to + "ln_final" + part] = plain.at(std::string("final_layer_norm") + part);
    for (int i = 0; i < 2; ++i) {
      const auto layer = "encoder.layers." + std::to_string(i) + ".", block = to + "transformer.resblocks." + std::to_string(i) + ".";
      const auto take = [&](const std::string& name) { return plain.at(layer + name + part); };
      fused[block + "ln_1" + part] = take("layer_norm1");
      fused[block + "ln_2" + part] = take("layer_norm2");
      fused[block + "attn.in_proj_" + (part + 1)] = concat({take("self_attn.q_proj"), take("self_attn.k_proj"), take("self_attn.v_proj")}, 0);
      fused[block + "attn.out_proj" + part] = take("self_attn.out_proj");
      fused[block + "mlp.c_fc" + part] = take("mlp.fc1");
      fused[block + "mlp.c_proj" + part] = take("mlp.fc2");
    }
  }
  fused[to + "text_projection"] = scattered({64, 32}, 1, 99);
  const auto clip = clip_of(fused);
  ASSERT_EQ(clip->family(), TextFamily::kSd2);
  const auto& weights = clip->weights();
  EXPECT_TRUE(at::equal(weights.get("clip_h.transformer.text_model.encoder.layers.1.self_attn.k_proj.weight"), plain.at("encoder.layers.1.self_attn.k_proj.weight")));
  EXPECT_TRUE(at::equal(weights.get("clip_h.transformer.text_projection.weight"), fused[to + "text_projection"].t()));
  EXPECT_EQ(clip->encode("a cat", {}).pooled->sizes(), at::IntArrayRef({1, 32}));
}

TEST(Clip, PatchesSeeTheNamesAndAreRounded) {
  const auto clip = clip_of(small_clip(kSd1Prefix));
  const std::string name = "clip_l.transformer.text_model.encoder.layers.1.mlp.fc2.bias";
  ASSERT_THAT(clip->weight_names(), testing::Contains(name));
  const auto plus = [&](double amount) {
    return clip->with_patches([=](const std::string& which, const at::Tensor& weight) { return which == name ? weight.to(at::kFloat).add(amount) : weight; });
  };
  const auto plain = clip->encode("a cat", {}).text;
  EXPECT_FALSE(at::equal(plus(1)->encode("a cat", {}).text, plain));
  EXPECT_TRUE(at::equal(plus(1e-9)->encode("a cat", {}).text, plain)) << "less than half of a float16's last place";
}

TEST(Clip, WiderFilesAreRoundedToHalf) {
  auto wide = small_clip(kSd1Prefix);
  for (auto& [name, tensor] : wide) tensor = tensor.to(at::kFloat).add(1e-9);
  EXPECT_TRUE(at::equal(clip_of(std::move(wide))->encode("a cat", {}).text, clip_of(small_clip(kSd1Prefix))->encode("a cat", {}).text));
}

TEST(Clip, ManyChunksAreEncodedAsOneByOne) {
  const auto clip = clip_of(small_clip(kSd1Prefix));
  std::string words;
  for (int i = 0; i < 75 * 20; ++i) words += "cat ";
  const auto text = clip->encode(words, {}).text;
  ASSERT_EQ(text.size(1), 77 * 20);
  EXPECT_TRUE(at::allclose(text.narrow(1, 0, 77), text.narrow(1, 77 * 19, 77), 1e-4, 1e-5));
}

TEST(Clip, AbsurdWeightsGiveWhatTheyGive) {
  const auto clip = clip_of(small_clip(kSd1Prefix));
  for (const char* prompt : {"(cat:1e38)", "(cat:nan)", "(cat:inf)", "(cat:-1e400)"}) {
    const auto text = clip->encode(prompt, {}).text;
    EXPECT_EQ(text.sizes(), at::IntArrayRef({1, 77, 64})) << prompt;
    EXPECT_TRUE(text[0][0].isfinite().all().item<bool>()) << prompt;
  }
}

TEST(Clip, InterruptsBetweenLayers) {
  const auto clip = clip_of(small_clip(kSd1Prefix));
  int calls = 0;
  EXPECT_THROW(clip->encode("a cat", {{}, [&] { if (++calls == 2) throw Unavailable("stop"); }}), Unavailable);
  EXPECT_EQ(calls, 2);
}

TEST(Clip, TwoTextsNeedTwoEncoders) { EXPECT_THROW(clip_of(small_clip(kSd1Prefix))->encode("a", "b", {}), InvalidInput); }

TEST(Clip, BrokenCheckpointsNameTheTensor) {
  auto missing = small_clip(kSd1Prefix);
  missing.erase(kSd1Prefix + "encoder.layers.1.mlp.fc1.bias");
  EXPECT_THAT(fault_of(missing), HasSubstr("has no transformer.text_model.encoder.layers.1.mlp.fc1.bias"));
  auto misshapen = small_clip(kSd1Prefix);
  misshapen[kSd1Prefix + "encoder.layers.0.self_attn.q_proj.weight"] = at::ones({64, 63});
  EXPECT_THAT(fault_of(misshapen), HasSubstr("wrong shape of transformer.text_model.encoder.layers.0.self_attn.q_proj.weight"));
  auto narrow = small_clip(kSd1Prefix);
  narrow[kSd1Prefix + "embeddings.token_embedding.weight"] = at::ones({49408});
  EXPECT_THAT(fault_of(narrow), HasSubstr("wrong shape"));
  auto few = small_clip(kSd1Prefix);
  few[kSd1Prefix + "embeddings.token_embedding.weight"] = at::ones({100, 64});
  EXPECT_THAT(fault_of(few), HasSubstr("wrong shape"));
  StateDict headless{{kSd1Prefix + "embeddings.token_embedding.weight", at::ones({49408, 64})}};
  EXPECT_THAT(fault_of(headless), HasSubstr("no layers"));
}

TEST(Clip, AShortTableOfTokensStandsForAWholeOne) {
  const std::string table = kSd1Prefix + "embeddings.token_embedding.weight", rows = kSd1Prefix + "embeddings.token_rows";
  auto small = small_clip(kSd1Prefix);
  const auto of_rows = at::arange(49408).remainder(100).to(at::kShort);
  auto whole = small;
  small[table] = small[table].narrow(0, 0, 100);
  whole[table] = small[table].index_select(0, of_rows.to(at::kLong));
  small[rows] = of_rows;
  const auto clip = clip_of(small);
  EXPECT_TRUE(at::equal(clip->encode("a red apple", {}).text, clip_of(whole)->encode("a red apple", {}).text));
  EXPECT_EQ(clip->weight_names(), clip_of(whole)->weight_names()) << "what is saved is a whole one";

  auto changed = [&](const at::Tensor& other) {
    auto file = small;
    file[rows] = other;
    return fault_of(file);
  };
  EXPECT_THAT(changed(at::full({49408}, 100, at::kShort)), HasSubstr("rows that the table has not"));
  EXPECT_THAT(changed(at::full({49408}, -1, at::kInt)), HasSubstr("rows that the table has not"));
  EXPECT_THAT(changed(at::zeros({100}, at::kShort)), HasSubstr("49408 whole numbers"));
  EXPECT_THAT(changed(at::zeros({49408}, at::kHalf)), HasSubstr("49408 whole numbers"));
  auto flat = small;
  flat[table] = at::zeros({100}, at::kHalf);
  EXPECT_THAT(fault_of(flat), HasSubstr("two dimensions"));
}

TEST(Embeddings, BrokenFilesAreLeftOut) {
  const Scratch scratch;
  const auto clip = clip_of(small_clip(kSd1Prefix));
  const auto plain = clip->encode("a cat", {}).text;
  const auto with = [&](const std::filesystem::path& file) {
    return clip->encode("a embedding:x cat", {[&](const std::string&) { return std::optional(file); }, {}}).text;
  };
  const auto dumped = [&](std::vector<std::pair<std::string, at::Tensor>> tensors) { return scratch.write("x.safetensors", dump_safetensors(tensors)); };
  for (const auto& [name, bytes] : {std::pair<const char*, std::string_view>{"a.pt", ""}, {"b.pt", "\x80\x02}."}, {"c.pt", "PK\x03\x04 not really"}, {"d.safetensors", "{"}, {"e.bin", "\x80\x04 what"}})
    EXPECT_TRUE(at::equal(with(scratch.write(name, bytes)), plain)) << name;
  EXPECT_TRUE(at::equal(with(scratch.path() / "missing.pt"), plain));
  EXPECT_TRUE(at::equal(with(dumped({})), plain));
  EXPECT_TRUE(at::equal(with(dumped({{"emb_params", at::ones({2, 2, 64})}})), plain));
  EXPECT_TRUE(at::equal(with(dumped({{"emb_params", at::ones({3, 64}, at::kLong)}})), plain));
  EXPECT_TRUE(at::equal(with(dumped({{"emb_params", at::ones({3, 32})}})), plain)) << "another width";
  EXPECT_FALSE(at::equal(with(dumped({{"emb_params", at::ones({3, 64})}})), plain));
  EXPECT_FALSE(at::equal(with(dumped({{"anything", at::ones({64})}})), plain)) << "one vector without a batch";
}

}  // namespace
}  // namespace darkroom
