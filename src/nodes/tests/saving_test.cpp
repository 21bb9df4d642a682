// What saving nodes leave on disk and tell clients, and what loading nodes say of bad files.

#include <gtest/gtest.h>

#include <regex>

#include "imaging/decode.hpp"
#include "imaging/png.hpp"
#include "nodes/svg.hpp"
#include "nodes/tests/graph_bench.hpp"

namespace darkroom {
namespace {

class Saving : public testing::Test {
 protected:
  static const json::array& list(const Ran& ran, const char* node, const char* key) { return ran.outputs.at(node).at(key).as_array(); }
  void put(const std::string& name, const std::string& bytes) { std::ofstream(bench.settings.folders.input / name, std::ios::binary) << bytes; }

  GraphBench bench;
  const json::object extra_{{"extra_pnginfo", json::object{{"workflow", json::object{{"name", "caf\u00e9"}}}, {"other", json::array{1, nullptr}}}}};
};

constexpr const char* kSave = R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 5, "height": 3, "batch_size": 2, "color": 255}},
  "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sub/x_%width%"}}})";

TEST_F(Saving, PngsAreNumberedAndHoldTheWorkflowBeforeThePixels) {
  const Ran ran = bench.run(kSave, extra_);
  ASSERT_FALSE(ran.error) << ran.message();
  const auto& images = list(ran, "2", "images");
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(dump(images[0]), R"({"filename":"x_5_00001_.png","subfolder":"sub","type":"output"})");
  EXPECT_EQ(dump(images[1]), R"({"filename":"x_5_00002_.png","subfolder":"sub","type":"output"})");
  const std::string file = read_file(bench.file(images[0]));
  const auto prompt = file.find(std::string("tEXtprompt\0{\"1\": {\"class_type\": \"EmptyImage\"", 44));
  const auto workflow = file.find(std::string("tEXtworkflow\0{\"name\": \"caf\\u00e9\"}", 33));
  const auto other = file.find(std::string("tEXtother\0[1, null]", 19));
  ASSERT_NE(other, std::string::npos);
  EXPECT_LT(prompt, workflow);
  EXPECT_LT(workflow, other);
  EXPECT_LT(other, file.find("IDAT"));
  EXPECT_EQ(imaging::decode(file, "x").rgb[2], 255);
}

TEST_F(Saving, WritesNoTextsWhenMetadataIsDisabled) {
  bench.settings.disable_metadata = true;
  bench.configure();
  const Ran ran = bench.run(kSave, extra_);
  EXPECT_EQ(read_file(bench.file(list(ran, "2", "images")[0])).find("tEXt"), std::string::npos);
}

TEST_F(Saving, PrefixesStayInsideTheFolder) {
  for (const char* prefix : {"../x", "/tmp/x", "a/../../x"}) {
    json::object workflow = parse_json(kSave).as_object();
    workflow["2"].at("inputs").at("filename_prefix") = prefix;
    const Ran ran = bench.run(workflow);
    ASSERT_TRUE(ran.error) << prefix;
    EXPECT_EQ(ran.message().find("**** ERROR: Saving image outside the output folder is not allowed."), 0u) << ran.message();
  }
}

TEST_F(Saving, PreviewsGoToTheTempFolderUnderOneNameANode) {
  const char* graph = R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 5, "height": 3, "batch_size": 1, "color": 7}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}})";
  const Ran ran = bench.run(graph);
  const auto& entry = list(ran, "2", "images")[0];
  EXPECT_EQ(entry.at("type").as_string(), "temp");
  EXPECT_TRUE(std::regex_match(std::string(entry.at("filename").as_string()), std::regex("ComfyUI_temp_[a-z]{5}_00001_\\.png")));
  EXPECT_TRUE(std::filesystem::exists(bench.file(entry)));
}

TEST_F(Saving, WebsocketNodeSendsPngsEveryTime) {
  const char* graph = R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 5, "height": 3, "batch_size": 2, "color": 7}},
    "2": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}}})";
  for (int round = 0; round < 2; ++round) {
    const auto steps = bench.run(graph).all<NodeProgress>();
    ASSERT_EQ(steps.size(), 2u) << round;
    EXPECT_EQ(dump(steps[1].value), "1");
    EXPECT_EQ(dump(steps[1].max), "2");
    EXPECT_EQ(steps[0].format, "PNG");
    EXPECT_EQ(imaging::decode(steps[0].picture, "p").width, 5);
  }
}

TEST_F(Saving, AnimationsAreOneFile) {
  put("frames.png", [] {
    const std::vector<std::uint8_t> pixels(8 * 8 * 3, 90);
    return imaging::encode_png(pixels.data(), 8, 8, 3);
  }());
  const char* graph = R"({"1": {"class_type": "LoadImage", "inputs": {"image": "frames.png"}}, "0": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "2": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["0", 0]}},
    "3": {"class_type": "SaveAnimatedWEBP", "inputs": {"images": ["2", 0], "filename_prefix": "w", "fps": 6.0, "lossless": true, "quality": 80, "method": "fastest"}},
    "4": {"class_type": "SaveAnimatedPNG", "inputs": {"images": ["2", 0], "filename_prefix": "p", "fps": 6.0, "compress_level": 4}},
    "5": {"class_type": "SaveAnimatedPNG", "inputs": {"images": ["1", 0], "filename_prefix": "one", "fps": 6.0, "compress_level": 4}}})";
  const Ran ran = bench.run(graph, extra_);
  ASSERT_FALSE(ran.error) << ran.message();
  EXPECT_EQ(dump(ran.outputs.at("3")), R"({"images":[{"filename":"w_00001_.webp","subfolder":"","type":"output"}],"animated":[true]})");
  EXPECT_EQ(dump(ran.outputs.at("5")), R"({"images":[{"filename":"one_00001_.png","subfolder":"","type":"output"}]})");
  const std::string webp = read_file(bench.file(list(ran, "3", "images")[0])), png = read_file(bench.file(list(ran, "4", "images")[0]));
  EXPECT_NE(webp.find("prompt:{\"1\": {\"class_type\""), std::string::npos);
  EXPECT_NE(png.find(std::string("comfworkflow\0{", 14)), std::string::npos);
  for (const auto& file : {webp, png}) {
    const auto picture = imaging::decode(file, "a");
    ASSERT_EQ(picture.frames, 2);
    EXPECT_EQ(picture.rgb.front(), 90);
    EXPECT_EQ(picture.rgb.back(), 165);
  }
}

TEST_F(Saving, ImageSizeIsTold) {
  const Ran ran = bench.run(R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 20, "height": 11, "batch_size": 2, "color": 7}},
    "2": {"class_type": "GetImageSize", "inputs": {"image": ["1", 0]}}, "3": {"class_type": "EmptyImage", "inputs": {"width": ["2", 0], "height": ["2", 1], "batch_size": ["2", 2], "color": 7}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}})");
  ASSERT_EQ(ran.all<TextSent>().size(), 1u);
  EXPECT_EQ(ran.all<TextSent>()[0].text, "width: 20, height: 11\n batch size: 2");
  EXPECT_EQ(list(ran, "4", "images").size(), 2u);
}

TEST(Svg, MetadataFollowsTheOpeningTag) {
  const std::string out = svg_with_metadata("<?xml version=\"1.0\"?>\n<svg width=\"4\"><rect/></svg>", {{"prompt", json::object{{"a", json::array{1, "]]>"}}}}});
  EXPECT_EQ(out.find("<?xml version=\"1.0\"?>\n<svg width=\"4\">\n  <metadata>"), 0u) << out;
  EXPECT_NE(out.find("{\n  \"prompt\": {\n    \"a\": [\n      1,\n      \"]]]]><![CDATA[>\"\n    ]\n  }\n}"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("<rect/></svg>"));
  EXPECT_EQ(svg_with_metadata("no document", {{"a", 1}}), "no document");
}

TEST_F(Saving, LoadersNameTheBadFile) {
  put("text.png", "this is no picture");
  put("empty.png", "");
  put("page.png", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
  for (const char* name : {"text.png", "empty.png", "page.png", "absent.png", "../secret.png"}) {
    const Ran ran = bench.run(json::object{{"1", json::object{{"class_type", "LoadImage"}, {"inputs", json::object{{"image", name}}}}},
                                           {"2", json::object{{"class_type", "PreviewImage"}, {"inputs", json::object{{"images", json::array{"1", 0}}}}}}});
    ASSERT_TRUE(ran.error) << name;
    if (std::string_view(name).find("..") == std::string_view::npos) {
      EXPECT_NE(ran.message().find(name), std::string::npos) << ran.message();
    }
  }
}

}  // namespace
}  // namespace darkroom
