#include "gateway/live_restoration.hpp"

#include <gtest/gtest.h>

#include "gateway/restoration_files.hpp"
#include "gateway/restore_form.hpp"
#include "base/error.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

class Listener final : public HubSession {
 public:
  void send(const Frame& frame) override { texts.push_back(*frame.payload); }
  const std::string& client_id() const override { return id_; }
  bool supports_preview_metadata() const override { return false; }
  void close(std::uint16_t code) override { closed = code; }
  std::vector<std::string> texts;
  std::uint16_t closed = 0;

 private:
  std::string id_ = "listener";
};

restoration::Facts facts() {
  restoration::Facts made;
  made.id = "x";
  return made;
}

restoration::Message message(bool minor) { return {.stage = restoration::Stage::kInference, .say = "step", .progress = 20, .minor = minor}; }

void deliver(LiveRestoration& live) { live.tell(live.take_unsaved()); }

TEST(LiveRestoration, ViewersGetWhatTheyMissedAndThenTheRest) {
  LiveRestoration live(facts(), {});
  for (int i = 0; i < 3; ++i) live.say(message(false), i);
  deliver(live);
  Listener all, late;
  live.add({.session = &all});
  live.add({.session = &late, .from = 2});
  EXPECT_EQ(all.texts.size(), 3u);
  EXPECT_EQ(late.texts.size(), 1u);
  live.say(message(false), 9);
  EXPECT_EQ(all.texts.size(), 3u) << "not before it is stored";
  deliver(live);
  EXPECT_EQ(all.texts.size(), 4u);
  EXPECT_EQ(late.texts.back(), all.texts.back());
  live.remove(late);
  live.end("cancelled", restoration::kept_error("cancelled", "cancelled", {}, restoration::Stage::kInference), 10);
  deliver(live);
  EXPECT_EQ(all.closed, 1000);
  EXPECT_EQ(late.closed, 0);
  live.say(message(false), 11);
  EXPECT_FALSE(live.has_unsaved()) << "nothing comes after the end";
}

TEST(LiveRestoration, MinorMessagesAreThinned) {
  LiveRestoration live(facts(), {});
  live.say(message(true), 1000);
  live.say(message(true), 1199);
  EXPECT_EQ(live.facts.seq, 1);
  live.say(message(true), 1200);
  EXPECT_EQ(live.facts.seq, 2);
  live.say(message(false), 1201);
  EXPECT_EQ(live.facts.seq, 3) << "a change of stage is never left out";
  live.facts.seq = 400;
  live.say(message(true), 1201 + 399);
  EXPECT_EQ(live.facts.seq, 400);
  live.say(message(true), 1201 + 400);
  EXPECT_EQ(live.facts.seq, 401);
}

TEST(LiveRestoration, GoesOnAfterARestart) {
  LiveRestoration live(facts(), {});
  live.restore({{1, R"({"stage":"upload","say":"uploaded","progress":5,"source":null})"}, {2, "damaged"}, {3, R"({"stage":"inference","say":"step","progress":33.5,"source":null})"}});
  EXPECT_EQ(live.facts.seq, 3);
  live.say(message(false), 0);
  EXPECT_EQ(live.take_unsaved().front()->seq(), 4);
}

TEST(LiveRestoration, PicturesGetTheirAddress) {
  LiveRestoration live(facts(), {});
  restoration::Message with = message(false);
  with.extra.emplace("preview", json::object{{"x", 0}});
  live.say(with, 0);
  EXPECT_EQ(string_or(live.take_unsaved().front()->kept().at("preview").as_object(), "url", ""), "/results/x/preview?seq=1");
}

TEST(RestorationFiles, TheResultIsThatOfItsNode) {
  ScratchFolder folder;
  const Folders folders = Folders::below(folder.path());
  folder.write("output/restorations/b_00001_.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\x20", 24));
  const std::string outputs = R"({"3":{"images":[{"filename":"gone.png","subfolder":"","type":"temp"}]},"7":{"images":[{"filename":"b_00001_.png","subfolder":"restorations","type":"output"}]}})";
  const auto result = result_in(folders, outputs, "7");
  EXPECT_EQ(result.name, "restorations/b_00001_.png");
  EXPECT_EQ(result.width, 256);
  EXPECT_EQ(result.height, 32);
  EXPECT_EQ(result_in(folders, outputs, "").name, "restorations/b_00001_.png") << "a kept one before a preview";
  EXPECT_FALSE(result_in(folders, outputs, "3").there());
  for (const char* hostile : {"[]", "{\"1\":5}", R"({"1":{"images":[7,{"filename":"../../etc/passwd","subfolder":"","type":"output"}]}})"})
    EXPECT_FALSE(result_in(folders, hostile, "").there()) << hostile;
}

TEST(RestorationFiles, EndingsFollowTheContent) {
  EXPECT_EQ(ending_of("\xff\xd8\xff\xe0"), ".jpg");
  EXPECT_EQ(ending_of("\x89PNG\r\n\x1a\n"), ".png");
  EXPECT_EQ(ending_of("RIFF1234WEBPVP8 "), ".webp");
  EXPECT_EQ(ending_of(std::string_view("II*\0", 4)), ".tif");
  EXPECT_EQ(ending_of("<svg"), "");
  EXPECT_EQ(ending_of(""), "");
}

TEST(RestoreForm, TextsHaveALimit) {
  ScratchFolder folder;
  RestoreForm form(Folders::below(folder.path()));
  form.begin({.name = "options", .filename = std::nullopt, .content_type = ""});
  form.data(std::string(64u << 10, ' '));
  EXPECT_THROW(form.data(" "), TooLarge);
}

TEST(RestoreForm, TheFirstOfEachNameCounts) {
  ScratchFolder folder;
  const Folders folders = Folders::below(folder.path());
  RestoreForm form(folders);
  const auto part = [&](std::string name, std::optional<std::string> file, std::string_view body) {
    form.begin({.name = std::move(name), .filename = std::move(file), .content_type = ""});
    form.data(body);
    form.end();
  };
  part("image", std::nullopt, "a text is no picture");
  part("image", "", "nor is a file without a name");
  EXPECT_FALSE(form.has_image());
  part("image", "a.jpg", "first");
  part("image", "b.jpg", "second one");
  part("id", std::nullopt, "1");
  part("id", std::nullopt, "2");
  EXPECT_EQ(form.image_name(), "a.jpg");
  EXPECT_EQ(form.image_bytes(), 5u);
  EXPECT_EQ(form.image_head(), "first");
  EXPECT_EQ(form.id(), "1");
}

}  // namespace
}  // namespace darkroom
