// Nodes between a text encoder's file and a sampler: what they make of prompts and of CONDITIONING.

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>
#include <utility>

#include "diffusion/tests/small_clip.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/tests/graph_bench.hpp"
#include "tensor/safetensors.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

/// A node that is a function.
class Calls final : public Node {
 public:
  explicit Calls(std::function<Outputs(const Inputs&)> run) : run_(std::move(run)) {}
  Outputs run(const Inputs& in, Context&) override { return run_(in); }

 private:
  std::function<Outputs(const Inputs&)> run_;
};

class ConditioningNodes : public testing::Test {
 protected:
  void SetUp() override {
    add(NodeSchema("Made", Form::kV1).input("value", Float{.value = 0.0}).input("tokens", Int{.value = 77}).output("CONDITIONING"), [](const Inputs& in) {
      Cond entry;
      entry.text = at::full({1, in.integer("tokens"), 4}, in.number("value"));
      entry.pooled = at::full({1, 3}, in.number("value"));
      return Outputs{conditioning_value({entry})};
    });
    add(NodeSchema("Kept", Form::kV1).input("conditioning", Socket{"CONDITIONING"}).output_node(), [this](const Inputs& in) {
      kept_ = conditioning(in, "conditioning");
      return Outputs();
    });
    add(NodeSchema("NoClip", Form::kV1).output("CLIP"), [](const Inputs&) { return Outputs{Value()}; });
  }
  /// The entries that `graph`'s node "out" gives; "a" and "b" are conditionings of 77 and 154 tokens with the values 1 and 2.
  const Conditioning& entries(const std::string& graph) {
    kept_.clear();
    error_ = run(graph);
    EXPECT_EQ(error_, "");
    return kept_;
  }
  std::string run(const std::string& graph) {
    const Ran ran = bench_.run(R"({"a": {"class_type": "Made", "inputs": {"value": 1.0, "tokens": 77}}, "b": {"class_type": "Made", "inputs": {"value": 2.0, "tokens": 154}},
      "kept": {"class_type": "Kept", "inputs": {"conditioning": ["out", 0]}}, )" + graph + "}");
    return ran.message();
  }
  static std::string node(const std::string& id, const std::string& node_class, const std::string& inputs) {
    return "\"" + id + R"(": {"class_type": ")" + node_class + R"(", "inputs": {)" + inputs + "}}";
  }
  static bool all(const at::Tensor& tensor, double value) { return at::equal(tensor, at::full_like(tensor, value)); }

  GraphBench bench_;
  Conditioning kept_;

 private:
  void add(NodeSchema schema, std::function<Outputs(const Inputs&)> run) {
    NodeClass entry;
    entry.schema = std::move(schema);
    entry.make = [run = std::move(run)] { return std::make_unique<Calls>(run); };
    if (entry.schema.is_output_node()) {  // never the same: it sees also what is cached
      entry.fingerprint = [](const Inputs&, const Folders&) { return json::value(std::numeric_limits<double>::quiet_NaN()); };
      entry.schema.fingerprinted();
    }
    bench_.registry.add(std::move(entry));
  }
  std::string error_;
};

TEST_F(ConditioningNodes, CombineKeepsAllEntries) {
  const auto& got = entries(node("out", "ConditioningCombine", R"("conditioning_1": ["a", 0], "conditioning_2": ["b", 0])"));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_TRUE(all(got[0].text, 1));
  EXPECT_TRUE(all(got[1].text, 2));
}

TEST_F(ConditioningNodes, AverageFitsTheSecondTextToTheFirst) {
  const auto& cut = entries(node("out", "ConditioningAverage", R"("conditioning_to": ["a", 0], "conditioning_from": ["b", 0], "conditioning_to_strength": 0.25)"));
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_EQ(cut[0].text.size(1), 77);
  EXPECT_TRUE(all(cut[0].text, 1.75));
  EXPECT_TRUE(all(*cut[0].pooled, 1.75));
  const auto& padded = entries(node("out", "ConditioningAverage", R"("conditioning_to": ["b", 0], "conditioning_from": ["a", 0], "conditioning_to_strength": 0.5)"));
  ASSERT_EQ(padded[0].text.size(1), 154);
  EXPECT_TRUE(all(padded[0].text.narrow(1, 0, 77), 1.5));
  EXPECT_TRUE(all(padded[0].text.narrow(1, 77, 77), 1));
}

TEST_F(ConditioningNodes, ConcatKeepsThePooledVectorOfTheFirst) {
  const auto& got = entries(node("out", "ConditioningConcat", R"("conditioning_to": ["a", 0], "conditioning_from": ["b", 0])"));
  ASSERT_EQ(got[0].text.size(1), 77 + 154);
  EXPECT_TRUE(all(got[0].text.narrow(1, 77, 154), 2));
  EXPECT_TRUE(all(*got[0].pooled, 1));
}

TEST_F(ConditioningNodes, AreasInLatentPixelsAndFractions) {
  const auto& pixels = entries(node("out", "ConditioningSetArea", R"("conditioning": ["a", 0], "width": 200, "height": 136, "x": 24, "y": 71, "strength": 0.7)"));
  ASSERT_TRUE(std::holds_alternative<Area>(pixels[0].area));
  EXPECT_EQ(std::get<Area>(pixels[0].area), (Area{17, 25, 8, 3}));
  EXPECT_EQ(pixels[0].strength, 0.7);
  const auto& fractions = entries(node("out", "ConditioningSetAreaPercentage", R"("conditioning": ["a", 0], "width": 0.5, "height": 0.25, "x": 0.1, "y": 0.2, "strength": 1.5)"));
  ASSERT_TRUE(std::holds_alternative<AreaFraction>(fractions[0].area));
  const auto area = std::get<AreaFraction>(fractions[0].area);
  EXPECT_EQ(std::tuple(area.height, area.width, area.y, area.x), std::tuple(0.25, 0.5, 0.2, 0.1));
  EXPECT_EQ(fractions[0].strength, 1.5);
  EXPECT_EQ(entries(node("out", "ConditioningSetAreaStrength", R"("conditioning": ["a", 0], "strength": 0.3)"))[0].strength, 0.3);
}

TEST_F(ConditioningNodes, MasksAndRanges) {
  const auto& masked = entries(node("mask", "SolidMask", R"("value": 0.5, "width": 8, "height": 4)") + "," +
                               node("out", "ConditioningSetMask", R"("conditioning": ["a", 0], "mask": ["mask", 0], "strength": 2.0, "set_cond_area": "mask bounds")"));
  ASSERT_TRUE(masked[0].mask);
  EXPECT_EQ(masked[0].mask->sizes(), at::IntArrayRef({1, 4, 8}));
  EXPECT_EQ(masked[0].mask_strength, 2);
  EXPECT_TRUE(masked[0].area_to_mask_bounds);
  const auto& ranged = entries(node("out", "ConditioningSetTimestepRange", R"("conditioning": ["a", 0], "start": 0.2, "end": 0.9)"));
  EXPECT_EQ(ranged[0].start_percent, 0.2);
  EXPECT_EQ(ranged[0].end_percent, 0.9);
}

TEST_F(ConditioningNodes, ZeroOutLeavesTheInputAlone) {
  const auto& got = entries(node("zero", "ConditioningZeroOut", R"("conditioning": ["a", 0])") + "," +
                            node("out", "ConditioningCombine", R"("conditioning_1": ["zero", 0], "conditioning_2": ["a", 0])"));
  EXPECT_TRUE(all(got[0].text, 0));
  EXPECT_TRUE(all(*got[0].pooled, 0));
  EXPECT_TRUE(all(got[1].text, 1));
}

TEST_F(ConditioningNodes, PropertiesThatAreGivenAreSet) {
  const auto mask = node("mask", "SolidMask", R"("value": 0.5, "width": 8, "height": 4)"), range = node("range", "ConditioningTimestepsRange", R"("start_percent": 0.2, "end_percent": 0.7)");
  const auto& given = entries(mask + "," + range + "," + node("out", "ConditioningSetProperties", R"("cond_NEW": ["a", 0], "strength": 0.6, "set_cond_area": "mask bounds", "mask": ["mask", 0], "timesteps": ["range", 2])"));
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].mask->sizes(), at::IntArrayRef({1, 4, 8}));
  EXPECT_EQ(given[0].mask_strength, 0.6);
  EXPECT_TRUE(given[0].area_to_mask_bounds);
  EXPECT_EQ(given[0].start_percent, 0.7);
  EXPECT_EQ(given[0].end_percent, 1.0);
  EXPECT_FALSE(given[0].strength) << "it is the mask's";
  const auto& none = entries(node("out", "ConditioningSetProperties", R"("cond_NEW": ["a", 0], "strength": 0.6, "set_cond_area": "default")"));
  EXPECT_FALSE(none[0].mask || none[0].start_percent || none[0].hooks || none[0].strength);
}

TEST_F(ConditioningNodes, PairsAreCombinedEachWithItsOwn) {
  const auto pair = R"("positive_A": ["a", 0], "negative_A": ["b", 0], "positive_B": ["b", 0], "negative_B": ["a", 0])";
  const auto& positive = entries(node("out", "PairConditioningCombine", pair));
  ASSERT_EQ(positive.size(), 2u);
  EXPECT_TRUE(all(positive[0].text, 1) && all(positive[1].text, 2));
  const auto& stands_in = entries(node("out", "ConditioningSetDefaultCombine", R"("cond": ["a", 0], "cond_DEFAULT": ["b", 0])"));
  ASSERT_EQ(stands_in.size(), 2u);
  EXPECT_FALSE(stands_in[0].fallback);
  EXPECT_TRUE(stands_in[1].fallback);
}

class TextNodes : public ConditioningNodes {
 protected:
  void SetUp() override {
    ConditioningNodes::SetUp();
    write("text_encoders", "small.safetensors", small_clip("text_model."));
    write("text_encoders", "no_encoder.safetensors", {{"some.weight", at::ones({2})}});
    write("embeddings", "toy.safetensors", {{"emb_params", scattered({2, 64}, 1, 7)}});
  }
  void write(const std::string& folder, const char* name, const StateDict& tensors) {
    std::ofstream(bench_.settings.folders.model_folder(folder)->paths.front() / name, std::ios::binary)
        << dump_safetensors({tensors.begin(), tensors.end()});
  }
  static std::string loader(const std::string& id = "clip", const std::string& file = "small.safetensors", const std::string& type = "stable_diffusion") {
    return node(id, "CLIPLoader", R"("clip_name": ")" + file + R"(", "type": ")" + type + "\"");
  }
  static std::string encoded(const std::string& text, const std::string& clip = "clip") {
    return node("out", "CLIPTextEncode", R"("text": ")" + text + R"(", "clip": [")" + clip + "\", 0]");
  }
  at::Tensor text_of(const std::string& graph) {
    const auto& got = entries(graph);
    return got.size() == 1 ? got[0].text : at::Tensor();
  }
};

TEST_F(TextNodes, EncodePromptsWithEmbeddingsOfTheFolder) {
  const auto plain = text_of(loader() + "," + encoded("a cat"));
  ASSERT_TRUE(plain.defined());
  EXPECT_EQ(plain.sizes(), at::IntArrayRef({1, 77, 64}));
  EXPECT_TRUE(at::equal(text_of(loader() + "," + encoded("a embedding:missing cat")), plain));
  EXPECT_TRUE(at::equal(text_of(loader() + "," + encoded("a embedding:../../input/x cat")), plain));
  EXPECT_FALSE(at::equal(text_of(loader() + "," + encoded("a embedding:toy cat")), plain));
  EXPECT_TRUE(at::equal(text_of(loader() + "," + encoded("a embedding:toy.safetensors cat")), text_of(loader() + "," + encoded("a embedding:toy cat"))));
  EXPECT_THAT(run(loader() + "," + encoded("a embedding:")), HasSubstr("without the name"));
}

TEST_F(TextNodes, StopAtALayer) {
  const auto skip = [](int layer) { return node("skip", "CLIPSetLastLayer", R"("clip": ["clip", 0], "stop_at_clip_layer": )" + std::to_string(layer)); };
  const auto last = text_of(loader() + "," + encoded("a cat"));
  EXPECT_TRUE(at::equal(text_of(loader() + "," + skip(-1) + "," + encoded("a cat", "skip")), last));
  EXPECT_FALSE(at::equal(text_of(loader() + "," + skip(-2) + "," + encoded("a cat", "skip")), last));
  EXPECT_TRUE(at::equal(text_of(loader() + "," + skip(-3) + "," + encoded("a cat", "skip")), last)) << "there are two layers";
}

TEST_F(TextNodes, MergedAndMultiplied) {
  const auto plain = text_of(loader() + "," + encoded("a cat"));
  const auto two = loader() + "," + loader("other") + ",";
  const auto merged = [&](const char* node_class, const std::string& more) {
    return text_of(two + node("merged", node_class, R"("clip1": ["clip", 0], "clip2": ["other", 0])" + more) + "," + encoded("a cat", "merged"));
  };
  EXPECT_TRUE(at::equal(merged("CLIPMergeSimple", R"(, "ratio": 0.5)"), plain)) << "halves of the same";
  EXPECT_FALSE(at::equal(merged("CLIPMergeAdd", ""), plain));
  const auto nothing = merged("CLIPMergeSubtract", R"(, "multiplier": 1.0)");
  EXPECT_TRUE(all(nothing, 0)) << "all weights are zero";
  const auto multiplied = [&](const char* factors) {
    return text_of(loader() + "," + node("by", "CLIPAttentionMultiply", std::string(R"("clip": ["clip", 0], )") + factors) + "," + encoded("a cat", "by"));
  };
  EXPECT_TRUE(at::equal(multiplied(R"("q": 1.0, "k": 1.0, "v": 1.0, "out": 1.0)"), plain));
  EXPECT_FALSE(at::equal(multiplied(R"("q": 1.0, "k": 1.0, "v": 0.0, "out": 1.0)"), plain));
}

TEST_F(TextNodes, SayWhatIsWrong) {
  EXPECT_THAT(run(node("clip", "NoClip", "") + "," + encoded("a cat")), HasSubstr("clip input is invalid: None"));
  EXPECT_THAT(run(loader("clip", "small.safetensors", "flux2") + "," + encoded("a cat")), HasSubstr("type: text encoders of 'flux2' are not supported"));
  EXPECT_THAT(run(loader("clip", "no_encoder.safetensors") + "," + encoded("a cat")), HasSubstr("no_encoder.safetensors: the file holds no CLIP text encoder"));
  EXPECT_THAT(run(loader("clip", "gone.safetensors") + "," + encoded("a cat")), HasSubstr("gone.safetensors"));
  EXPECT_THAT(run(node("clip", "DualCLIPLoader", R"("clip_name1": "small.safetensors", "clip_name2": "small.safetensors", "type": "sdxl")") + "," + encoded("a cat")),
              HasSubstr("two text encoders are wanted"));
  EXPECT_THAT(run(loader() + "," + node("out", "CLIPTextEncodeSDXL", R"("clip": ["clip", 0], "width": 1024, "height": 1024, "crop_w": 0, "crop_h": 0, "target_width": 1024,
    "target_height": 1024, "text_g": "a", "text_l": "b")")), HasSubstr("two text encoders of SDXL"));
}

TEST_F(TextNodes, RefinersSizes) {
  const auto& got = entries(loader() + "," + node("out", "CLIPTextEncodeSDXLRefiner", R"("clip": ["clip", 0], "ascore": 2.5, "width": 640, "height": 512, "text": "a cat")"));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].size.aesthetic_score, 2.5);
  EXPECT_EQ(got[0].size.width, 640);
  EXPECT_EQ(got[0].size.height, 512);
  EXPECT_FALSE(got[0].size.crop_w);
}

}  // namespace
}  // namespace darkroom
