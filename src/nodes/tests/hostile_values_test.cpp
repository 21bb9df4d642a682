// Values that no sane graph has: every node ends with an error that names the input, and no memory is asked for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/limits.hpp"
#include "nodes/tests/probe_bench.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

json::object tensor(std::initializer_list<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const auto size : shape) count *= size;
  return {{"shape", json::array(shape.begin(), shape.end())}, {"data", json::array(static_cast<std::size_t>(count), 0.5)}};
}
json::object link(json::object value) { return {{"link", std::move(value)}}; }
json::object latent(std::initializer_list<std::int64_t> shape) {
  return link({{"dict", json::object{{"samples", tensor(shape)}}}});
}
json::object picture(std::initializer_list<std::int64_t> shape) { return link(tensor(shape)); }

struct Case {
  const char* name;
  const char* node_class;
  json::object inputs;
  const char* blamed;  ///< stands in the message
};

std::vector<Case> hostile() {
  const json::object a = latent({1, 4, 8, 8});
  return {
      {"HugeLatent", "EmptyLatentImage", {{"width", 16384}, {"height", 16384}, {"batch_size", 4096}}, "width, height, batch_size"},
      {"HugeMask", "SolidMask", {{"value", 1.0}, {"width", 1 << 20}, {"height", 1 << 20}}, "width, height"},
      {"NegativeMask", "SolidMask", {{"value", 1.0}, {"width", -5}, {"height", 3}}, "width, height"},
      {"HugeUpscale", "LatentUpscale", {{"samples", latent({64, 16, 1, 1})}, {"upscale_method", "bicubic"}, {"width", 1 << 20}, {"height", 16384}, {"crop", "disabled"}}, "resize"},
      {"ScaledToNothing", "LatentUpscaleBy", {{"samples", latent({1, 4, 2, 2})}, {"upscale_method", "area"}, {"scale_by", 0.01}}, "scale_by"},
      {"UnknownMethod", "LatentUpscaleBy", {{"samples", a}, {"upscale_method", "magic"}, {"scale_by", 2.0}}, "upscale_method"},
      {"FlatLatent", "LatentUpscaleBy", {{"samples", latent({4})}, {"upscale_method", "area"}, {"scale_by", 2.0}}, "samples"},
      {"EmptyLatent", "LatentRotate", {{"samples", latent({0, 4, 8, 8})}, {"rotation", "90 degrees"}}, "samples"},
      {"EmptyBatchPicked", "LatentFromBatch", {{"samples", latent({0, 4, 8, 8})}, {"batch_index", 0}, {"length", 1}}, "samples"},
      {"EmptyBatchRepeated", "RepeatLatentBatch", {{"samples", latent({0, 4, 8, 8})}, {"amount", 64}}, "samples"},
      {"RepeatedBeyondLimits", "RepeatLatentBatch", {{"samples", a}, {"amount", 1 << 30}}, "amount"},
      {"ChannelsDiffer", "LatentBlend", {{"samples1", a}, {"samples2", latent({1, 16, 8, 8})}, {"blend_factor", 0.5}}, "samples2"},
      {"ChannelsDifferInSum", "LatentAdd", {{"samples1", a}, {"samples2", latent({1, 3, 8, 8})}}, "samples2"},
      {"AxesDiffer", "LatentAdd", {{"samples1", a}, {"samples2", latent({1, 4, 2, 8, 8})}}, "samples2"},
      {"BatchNotInterpolated", "LatentInterpolate", {{"samples1", latent({2, 4, 8, 8})}, {"samples2", a}, {"ratio", 0.5}}, "samples1"},
      {"ConcatOfOtherHeight", "LatentConcat", {{"samples1", a}, {"samples2", latent({1, 4, 7, 8})}, {"dim", "x"}}, "samples2"},
      {"CutOfVector", "LatentCut", {{"samples", latent({4})}, {"dim", "t"}, {"index", 0}, {"amount", 1}}, "samples"},
      {"SlicesOfNothing", "LatentCutToBatch", {{"samples", a}, {"dim", "x"}, {"slice_size", 0}}, "slice_size"},
      {"CompositeOfOtherBatch", "LatentComposite", {{"samples_to", latent({2, 4, 8, 8})}, {"samples_from", latent({3, 4, 2, 2})}, {"x", 0}, {"y", 0}, {"feather", 0}}, "samples_from"},
      {"CompositeLeftOf", "LatentComposite", {{"samples_to", a}, {"samples_from", a}, {"x", -80}, {"y", 0}, {"feather", 0}}, "x, y"},
      {"PasteOfOtherChannels", "LatentCompositeMasked", {{"destination", a}, {"source", latent({1, 5, 2, 2})}, {"x", 0}, {"y", 0}, {"resize_source", false}}, "source"},
      {"OperationOnVideo", "LatentApplyOperation", {{"samples", a}, {"operation", a}}, "operation"},
      {"MaskIsNoMask", "InvertMask", {{"mask", picture({1, 2, 3, 4, 5})}}, "mask"},
      {"MaskIsText", "InvertMask", {{"mask", "white"}}, "mask"},
      {"CropOutside", "CropMask", {{"mask", picture({1, 4, 4})}, {"x", 9}, {"y", 0}, {"width", 5}, {"height", 5}}, "mask"},
      {"MasksOfTwoBatches", "MaskComposite", {{"destination", picture({2, 4, 4})}, {"source", picture({3, 4, 4})}, {"x", 0}, {"y", 0}, {"operation", "add"}}, "source"},
      {"NoAlpha", "ImageToMask", {{"image", picture({1, 2, 2, 3})}, {"channel", "alpha"}}, "channel"},
      {"ColorOfGrey", "ImageColorToMask", {{"image", picture({1, 2, 2, 1})}, {"color", 0}}, "image"},
      {"AlphaOfGrey", "JoinImageWithAlpha", {{"image", picture({1, 2, 2, 1})}, {"alpha", picture({1, 2, 2})}}, "image"},
      {"AlphaOfNothing", "JoinImageWithAlpha", {{"image", picture({0, 2, 2, 3})}, {"alpha", picture({1, 2, 2})}}, "image"},
      {"LayersDiffer", "PorterDuffImageComposite", {{"source", picture({1, 2, 2, 4})}, {"source_alpha", picture({1, 2, 2})}, {"destination", picture({1, 2, 2, 3})}, {"destination_alpha", picture({1, 2, 2})}, {"mode", "SRC"}}, "source"},
      {"NoMasks", "BatchMasksNode", {}, "masks"},
      {"TextsOfNumbers", "TextToUppercase", {{"texts", json::object{{"link", 5}}}}, "texts"},
      {"BacktrackingBomb", "RegexMatch", {{"string", std::string(64, 'a') + "!"}, {"regex_pattern", "^(?:a|a)*[bc]$"}, {"case_insensitive", true}, {"multiline", false}, {"dotall", false}}, "backtracks"},
      {"FaultyReplacement", "RegexReplace", {{"string", "a"}, {"regex_pattern", "("}, {"replace", ""}}, "unterminated subpattern at position 0"},
      {"GridOfNothing", "ImageGrid", {{"images", json::object{{"links", json::array{}}}}, {"columns", 2}, {"cell_width", 32}, {"cell_height", 32}, {"padding", 0}}, "images"},
      {"FewerTexts", "ShuffleImageTextDataset", {{"images", json::object{{"links", json::array{tensor({1, 1, 1, 3}), tensor({1, 1, 1, 3})}}}}, {"texts", "one"}, {"seed", 1}}, "texts"},
      {"EdgeOfNothing", "ResizeImagesByShorterEdge", {{"images", picture({1, 0, 4, 3})}, {"shorter_edge", 4}}, "images"},
      {"LongStrip", "ResizeImagesByShorterEdge", {{"images", picture({1, 2, 4096, 3})}, {"shorter_edge", 8192}}, "resize"},
  };
}

class HostileValues : public testing::TestWithParam<Case> {};

TEST_P(HostileValues, EndInAClearError) {
  ProbeBench bench;
  ASSERT_TRUE(bench.find(GetParam().node_class));
  const Answer answer = bench.ask(GetParam().node_class, GetParam().inputs);
  ASSERT_NE(answer.fault, "");
  const json::value fault = parse_json(answer.fault);
  EXPECT_THAT(std::string(fault.at("exception_message").as_string()), HasSubstr(GetParam().blamed));
  EXPECT_EQ(fault.at("node_type").as_string(), GetParam().node_class);
}

INSTANTIATE_TEST_SUITE_P(Nodes, HostileValues, testing::ValuesIn(hostile()), [](const auto& test) { return std::string(test.param.name); });

TEST(TensorLimits, AreCountedWithoutOverflow) {
  EXPECT_NO_THROW(check_tensor_size("x", {1, 1 << 15, 1 << 15}));
  EXPECT_THROW(check_tensor_size("x", {2, 1 << 15, 1 << 15}), TooLarge);
  EXPECT_THROW(check_tensor_size("x", {INT64_MAX, INT64_MAX, INT64_MAX}), TooLarge);
  EXPECT_THROW(check_tensor_size("x", {INT64_MAX, -1}), InvalidInput);
  EXPECT_NO_THROW(check_tensor_size("x", {0, INT64_MAX}));
}

}  // namespace
}  // namespace darkroom
