// From a prompt to tokens: byte pairs, the grammar of weights, chunks, textual inversions.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/error.hpp"
#include "base/json.hpp"
#include "diffusion/bpe.hpp"
#include "diffusion/clip_chunks.hpp"
#include "diffusion/prompt_weights.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/tests/prompts.hpp"
#include "diffusion/tokenizer.hpp"

namespace darkroom {
namespace {

using Ids = std::vector<int>;
using Pieces = std::vector<WeightedText>;

json::value golden_tokens() {
  const char* folder = std::getenv("DARKROOM_GOLDEN_UNIT");
  std::ifstream file(std::filesystem::path(folder && *folder ? folder : DARKROOM_TEST_DATA "/golden/unit") / "tokens.json", std::ios::binary);
  return parse_json(std::string((std::istreambuf_iterator<char>(file)), {}));
}

/// A token as the golden file writes it: its id, or width and first number of its vector.
json::value written(const PromptToken& token) {
  if (!token.vector.defined()) return json::value(token.id);
  return json::value(fmt::format("emb[{}]:{:.6f}", token.vector.size(0), token.vector[0].item<float>()));
}

void expect_chunks(const json::array& want, const std::vector<Chunk>& got, std::string_view text) {
  ASSERT_EQ(got.size(), want.size()) << text;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const auto& tokens = want[k].at("tokens").as_array();
    ASSERT_EQ(tokens.size() + want[k].at("pad").to_number<std::size_t>(), kChunkTokens) << text;
    ASSERT_EQ(got[k].size(), kChunkTokens) << text;
    for (std::size_t i = 0; i < kChunkTokens; ++i) {
      const auto& token = tokens[std::min(i, tokens.size() - 1)].as_array();
      EXPECT_EQ(dump(written(got[k][i])), dump(token[0])) << text << ": token " << i;
      EXPECT_EQ(got[k][i].weight, token[1].to_number<double>()) << text << ": token " << i;
    }
  }
}

TEST(GoldenUnit_Tokens, OfPlainTexts) {
  const auto tokens = golden_tokens();
  std::size_t compared = 0;
  for (const auto& entry : tokens.at("clip_l").as_array()) {
    Ids want;
    for (const auto& id : entry.at("plain").as_array()) want.push_back(id.to_number<int>());
    Ids got{Bpe::kStart};
    for (const int id : clip_tokens(entry.at("text").as_string())) got.push_back(id);
    got.push_back(Bpe::kEnd);
    EXPECT_EQ(got, want) << entry.at("text");
    ++compared;
  }
  EXPECT_GT(compared, 50u);
}

TEST(GoldenUnit_Tokens, InChunksWithWeightsAndEmbeddings) {
  if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto tokens = golden_tokens();
  const ChunkRules rules_l{"clip_l", Bpe::kEnd}, rules_g{"clip_g", 0};
  for (const auto* rules : {&rules_l, &rules_g}) {
    for (const auto& entry : tokens.at(rules == &rules_l ? "clip_l" : "clip_g_or_h").as_array()) {
      const std::string text(entry.at("text").as_string());
      if (entry.as_object().contains("error")) EXPECT_THROW(prompt_chunks(text, *rules, golden_embeddings()), InvalidInput) << text;
      else expect_chunks(entry.at("chunks").as_array(), prompt_chunks(text, *rules, golden_embeddings()), text);
    }
  }
}

TEST(Tokens, MarksAreFoundAsTheyAreWrittenOnly) {
  EXPECT_EQ(clip_tokens("x<|EndOfText|>y <|endoftext|>"), (Ids{343, 27, 347, 40786, 4160, 91, 285, 344, 49407}));
}

TEST(Tokens, CharactersOfAllKinds) {
  EXPECT_EQ(clip_tokens("Σίσυφος ΟΔΟΣ"),
            (Ids{139, 225, 138, 107, 139, 225, 139, 227, 139, 228, 138, 123, 139, 480, 138, 123, 138, 112, 138, 123, 139, 481}));
  EXPECT_EQ(clip_tokens("a\u0301\u0316b"), (Ids{22229, 136, 500, 321}));  // composed across another mark
  EXPECT_EQ(clip_tokens("a\u0085b\u2028c\u3000d"), (Ids{320, 321, 322, 323}));
  EXPECT_EQ(clip_tokens("٣٤ Ⅻ ½ ²"), (Ids{149, 352, 149, 353, 158, 227, 375, 33613, 41175}));
  EXPECT_EQ(clip_tokens("it''s !'s ''ship"), (Ids{585, 8445, 338, 13222, 338, 8445, 1158}));
  EXPECT_EQ(clip_tokens("ẞ ß ŉ ǰ"), (Ids{127, 509, 127, 509, 129, 487, 131, 364}));
}

TEST(Tokens, BytesThatAreNoUtf8StandForTheReplacement) {
  EXPECT_EQ(clip_tokens("a \xff\xc3 b"), clip_tokens("a \ufffd\ufffd b"));
  EXPECT_EQ(clip_tokens("\xed\xa0\x80"), clip_tokens("\ufffd\ufffd\ufffd"));  // half of a surrogate pair
  EXPECT_FALSE(clip_tokens(std::string_view("\0\x01", 2)).empty());
}

TEST(PromptWeights, UnclosedBracketThatEndsLikeOne) {
  EXPECT_EQ(parse_prompt("(a (b)"), (Pieces{{"a ", 1.1}, {"(b", 1.1}}));
  EXPECT_EQ(parse_prompt("((a (b) c)"), (Pieces{{"(a (b) c", 1.1}}));
}

TEST(PromptWeights, SurplusBrackets) {
  EXPECT_EQ(parse_prompt("a)(b)"), (Pieces{{"a)(b)", 1}}));
  EXPECT_EQ(parse_prompt("x)(a(b)c) d"), (Pieces{{"x)(a", 1}, {"b", 1.1}, {"c) d", 1}}));
}

TEST(PromptWeights, NumbersAsPythonReadsThem) {
  const auto weight = [](const std::string& number) {
    const auto pieces = parse_prompt("(x:" + number + ")");
    return pieces.size() == 1 && pieces[0].text == "x" ? pieces[0].weight : -99;
  };
  EXPECT_EQ(weight("1_0"), 10);
  EXPECT_EQ(weight(" 1.5 "), 1.5);
  EXPECT_EQ(weight("1e2"), 100);
  EXPECT_EQ(weight("+1."), 1);
  EXPECT_EQ(weight(".5"), .5);
  EXPECT_EQ(weight("-.5"), -.5);
  EXPECT_EQ(weight("1E-3"), 1e-3);
  EXPECT_EQ(weight("1e38"), 1e38);
  EXPECT_EQ(weight("inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(weight("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(weight("nan")));
  EXPECT_EQ(weight("1e999999999999999999999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(weight("1e-999999999999999999999"), 0);
  EXPECT_EQ(weight("0." + std::string(400, '0') + "1"), 0);
  EXPECT_EQ(weight(std::string(400, '9')), std::numeric_limits<double>::infinity());
  for (const char* no : {"1e", "0x10", "1.3:", "1__0", "_1", "1_", "", ".", "e5", "1,5", "1 2", "infinit"}) EXPECT_EQ(weight(no), -99) << no;
}

TEST(PromptWeights, OnlyAColonBehindATextCounts) {
  EXPECT_EQ(parse_prompt("(:1.2)"), (Pieces{{":1.2", 1.1}}));
  EXPECT_EQ(parse_prompt("(::1.2)"), (Pieces{{":", 1.2}}));
  EXPECT_EQ(parse_prompt("((a:1.2) (b:0.5):2)"), (Pieces{{"a", 1.2}, {" ", 2}, {"b", .5}}));
  EXPECT_EQ(parse_prompt("(a\\):1.2)"), (Pieces{{"a)", 1.2}}));
  EXPECT_TRUE(parse_prompt("(())").empty());
}

/// A text of a megabyte in linear time, half a second of the processor's; a quadratic way would take hours.
void expect_quick(const std::string& prompt) {
  const auto start = std::clock();
  prompt_chunks(prompt, {"clip_l", Bpe::kEnd}, {});
  EXPECT_LT(std::clock() - start, 10 * CLOCKS_PER_SEC) << prompt.substr(0, 20);
}

TEST(HostilePrompts, AMegabyteOfBrackets) {
  constexpr std::size_t kHalf = 1 << 19;
  const std::string open(kHalf, '('), closed(kHalf, ')');
  expect_quick(open + open);
  expect_quick(closed + closed);
  expect_quick(open + "a" + closed);
  expect_quick(closed + open);
  std::string colons;
  for (std::size_t i = 0; i < kHalf / 2; ++i) colons += "x)";
  expect_quick(std::string(kHalf / 2, '(') + "a:" + std::string(kHalf, '1') + colons);
}

TEST(HostilePrompts, AMegabyteOfOneWordAndOfMarks) {
  expect_quick(std::string(1 << 20, 'a'));
  std::string marks = "a";
  for (int i = 0; i < 1 << 18; ++i) marks += "\u0301\u0316";
  expect_quick(marks);
  std::string embeddings;
  for (int i = 0; i < 1 << 16; ++i) embeddings += "xembedding:a ";
  expect_quick(embeddings);
}

TEST(HostilePrompts, DeepBracketsMultiplyUpToInfinity) {
  const auto pieces = parse_prompt(std::string(10000, '(') + "a" + std::string(10000, ')'));
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].weight, std::numeric_limits<double>::infinity());
}

TEST(Embeddings, NamesEndAtABlankAndCommasAreText) {
  if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto shape = [](const std::string& prompt) {  // the first chunk's tokens; -1 for a vector
    Ids ids;
    const auto chunks = prompt_chunks(prompt, {"clip_l", Bpe::kEnd}, golden_embeddings());
    for (const auto& token : chunks[0]) {
      if (!token.vector.defined() && token.id == Bpe::kEnd) break;
      ids.push_back(token.vector.defined() ? -1 : token.id);
    }
    return Ids(ids.begin() + 1, ids.end());
  };
  EXPECT_EQ(shape("a embedding:emb_one,, cat"), (Ids{320, -1, 8844, 2368}));
  EXPECT_EQ(shape("a embedding:nope, cat"), (Ids{320, 267, 2368}));
  EXPECT_EQ(shape("a\nembedding:emb_one cat"), (Ids{320, -1, 2368}));
  EXPECT_EQ(shape("a  embedding:emb_one cat"), (Ids{320, -1, 2368}));
  EXPECT_EQ(shape("a\tembedding:emb_one cat"), (Ids{320, 19703, 796, 281, 908, 321, 318, 637, 2368}));
  EXPECT_EQ(shape(" embedding:emb_one.safetensors x"), (Ids{-1, 343}));
  EXPECT_EQ(shape("embedding:emb_one\nembedding:emb_kohya"), (Ids{-1, -1, -1, -1}));
  EXPECT_EQ(shape("(a embedding:b embedding:emb_one)"), (Ids{320, -1}));
  EXPECT_EQ(shape("embedding:emb_one:1.2 x"), (Ids{343}));
  EXPECT_EQ(shape("embedding:../../embeddings/nope x"), (Ids{343}));
  EXPECT_THROW(shape("a embedding: "), InvalidInput);
}

}  // namespace
}  // namespace darkroom
