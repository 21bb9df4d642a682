// Requests of /v1/images: what is read of their fields and forms, and what of the history they are answered with.

#include "gateway/images_request.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "gateway/api_error.hpp"
#include "gateway/history_entry.hpp"
#include "gateway/images_form.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

ImagesRequest read(const char* text) { return read_images_request(parse_json(text).as_object()); }

/// The field that is refused; "" when none is.
std::string refused(const std::string& text) {
  try {
    read_images_request(parse_json(text).as_object());
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_FALSE(error.code.empty());
    return error.param;
  }
  return "";
}

TEST(ImagesRequest, OnlyThePromptIsNeeded) {
  const ImagesRequest request = read(R"({"prompt": "a fox", "n": null, "user": "u1", "style": "vivid"})");
  EXPECT_EQ(request.prompt, "a fox");
  EXPECT_EQ(request.n, 1);
  EXPECT_FALSE(request.size || request.seed || request.as_url || request.stream);
  EXPECT_EQ(request.format, "png");
}

TEST(ImagesRequest, EveryFieldIsRead) {
  const ImagesRequest request =
      read(R"({"prompt": "a", "model": "b.safetensors", "n": 3, "size": "512x768", "quality": "high", "response_format": "url",
    "output_format": "webp", "output_compression": 40, "seed": 18446744073709551615, "stream": true, "partial_images": 2, "background": "opaque"})");
  EXPECT_EQ(request.size, (std::pair<std::int64_t, std::int64_t>{512, 768}));
  EXPECT_EQ(request.seed, ~std::uint64_t{0});
  EXPECT_TRUE(request.as_url && request.stream);
  EXPECT_EQ(request.format, "webp");
  EXPECT_EQ(request.compression, 40);
  EXPECT_EQ(request.partial_images, 2);
  EXPECT_EQ(request.model, "b.safetensors");
}

TEST(ImagesRequest, AddressesAreWhatOldModelsGave) {
  EXPECT_TRUE(read(R"({"prompt": "a", "model": "dall-e-3"})").as_url);
  EXPECT_FALSE(read(R"({"prompt": "a", "model": "dall-e-3", "response_format": "b64_json"})").as_url);
  EXPECT_FALSE(read(R"({"prompt": "a", "model": "gpt-image-1"})").as_url);
}

TEST(ImagesRequest, TheWrongFieldIsNamed) {
  for (const auto& [fields, field] :
       std::vector<std::pair<std::string, std::string>>{{R"({})", "prompt"},
                                                        {R"({"prompt": ""})", "prompt"},
                                                        {R"({"prompt": 5})", "prompt"},
                                                        {R"({"prompt": "a", "size": "large"})", "size"},
                                                        {R"({"prompt": "a", "size": "0x64"})", "size"},
                                                        {R"({"prompt": "a", "size": "60x64"})", "size"},
                                                        {R"({"prompt": "a", "quality": "best"})", "quality"},
                                                        {R"({"prompt": "a", "output_format": "gif"})", "output_format"},
                                                        {R"({"prompt": "a", "background": "transparent"})", "background"},
                                                        {R"({"prompt": "a", "response_format": "text"})", "response_format"},
                                                        {R"({"prompt": "a", "stream": "true"})", "stream"},
                                                        {R"({"prompt": "a", "seed": -1})", "seed"},
                                                        {R"({"prompt": "a", "seed": 1.5})", "seed"}})
    EXPECT_EQ(refused(fields), field) << fields;
}

TEST(ImagesRequest, NumbersHaveBounds) {
  EXPECT_EQ(refused(R"({"prompt": "a", "n": 10, "partial_images": 3, "output_compression": 100})"), "");
  EXPECT_EQ(refused(R"({"prompt": "a", "n": 0})"), "n");
  EXPECT_EQ(refused(R"({"prompt": "a", "n": 11})"), "n");
  EXPECT_EQ(refused(R"({"prompt": "a", "n": 18446744073709551615})"), "n");
  EXPECT_EQ(refused(R"({"prompt": "a", "partial_images": 4})"), "partial_images");
  EXPECT_EQ(refused(R"({"prompt": "a", "output_compression": 101})"), "output_compression");
}

TEST(ImagesRequest, PromptsHaveALimit) {
  const auto with = [](std::size_t characters) {
    std::string prompt;
    for (std::size_t i = 0; i < characters; ++i) prompt += "é";
    return R"({"prompt": ")" + prompt + "\"}";
  };
  EXPECT_EQ(refused(with(32'000)), "");
  EXPECT_EQ(refused(with(32'001)), "prompt");
}

TEST(ImagesRequest, TextsOfAFormBecomeNumbers) {
  const json::object fields =
      fields_of_form({{"prompt", "5"}, {"n", "2"}, {"seed", "18446744073709551615"}, {"stream", "true"}, {"partial_images", "many"}});
  EXPECT_EQ(fields.at("prompt"), "5");
  EXPECT_EQ(fields.at("n"), 2);
  EXPECT_EQ(fields.at("seed").as_uint64(), ~std::uint64_t{0});
  EXPECT_EQ(fields.at("stream"), true);
  EXPECT_EQ(fields.at("partial_images"), "many");
}

class ImagesFormTest : public testing::Test {
 protected:
  void put(FormPart part, std::string_view bytes) {
    form.begin(part);
    form.data(bytes);
    form.end();
  }
  static FormPart file(std::string name) {
    FormPart part;
    part.name = std::move(name);
    part.filename = "a.png";
    return part;
  }
  static FormPart text(std::string name) {
    FormPart part;
    part.name = std::move(name);
    return part;
  }

  ScratchFolder scratch;
  Folders folders = Folders::below(scratch.path());
  ImagesForm form{folders};
};

TEST_F(ImagesFormTest, TakesPicturesAMaskAndTexts) {
  put(file("image[]"), "first");
  put(file("image[]"), "second");
  put(file("mask"), "mask");
  put(file("other"), "read over");
  put(text("prompt"), "a fox");
  put(text("prompt"), "again");
  ASSERT_EQ(form.images.size(), 2u);
  EXPECT_EQ(form.images[1].head, "second");
  EXPECT_EQ(form.mask.head, "mask");
  EXPECT_EQ(form.texts.at("prompt"), "a fox");
}

TEST_F(ImagesFormTest, EqualPicturesAreKeptOnce) {
  put(file("image"), "the same");
  put(file("image"), "the same");
  const std::string name = keep_edit_picture(folders, *form.images[0].file, ".png");
  EXPECT_EQ(keep_edit_picture(folders, *form.images[1].file, ".png"), name);
  EXPECT_TRUE(name.starts_with("edits/") && name.ends_with(".png"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folders.input / name));
}

TEST_F(ImagesFormTest, HasLimits) {
  for (int i = 0; i < 16; ++i) put(file("image"), "x");
  EXPECT_THROW(put(file("image"), "x"), TooLarge);
  put(text("prompt"), std::string(128'000, 'a'));
  EXPECT_THROW(put(text("user"), std::string(128'001, 'a')), TooLarge);
}

TEST(HistoryEntry, PicturesThatWereKeptGoBeforePreviews) {
  const auto entry = [](const char* text) { return parse_json(text).as_object(); };
  const auto both = pictures_of(entry(R"({"outputs": {"1": {"images": [{"filename": "a.png", "subfolder": "s", "type": "temp"}]},
                                                       "2": {"images": [{"filename": "b.png", "subfolder": "", "type": "output"}]}, "3": null}})"));
  ASSERT_EQ(both.size(), 1u);
  EXPECT_EQ(both[0].name, "b.png");
  const auto preview = pictures_of(entry(R"({"outputs": {"1": {"images": [{"filename": "a.png", "subfolder": "s", "type": "temp"}]}}})"));
  ASSERT_EQ(preview.size(), 1u);
  EXPECT_EQ(preview[0].subfolder, "s");
}

TEST(HistoryEntry, TellsHowAJobEnded) {
  const auto end = [](const char* text) { return end_of(parse_json(text).as_object()); };
  EXPECT_EQ(end(R"({"status": {"status_str": "success"}})").kind, JobEnd::Kind::kSuccess);
  const JobEnd failed =
      end(R"({"status": {"status_str": "error", "messages": [["execution_error", {"exception_message": "no memory"}]]}})");
  EXPECT_EQ(failed.kind, JobEnd::Kind::kFailed);
  EXPECT_EQ(failed.fault, "no memory");
  EXPECT_EQ(end(R"({"status": {"status_str": "error", "messages": [["execution_interrupted", {}]]}})").kind, JobEnd::Kind::kInterrupted);
}

}  // namespace
}  // namespace darkroom
