// Pictures and times on a terminal.

#include <gtest/gtest.h>

#include <sstream>

#include "base/error.hpp"
#include "cli/checkpoint_choice.hpp"
#include "cli/exit_status.hpp"
#include "cli/preview_screen.hpp"
#include "cli/progress_view.hpp"

namespace darkroom {
namespace {

PreviewForm form(std::map<std::string, std::string> set) {
  return preview_form([&](const char* name) { return set[name]; });
}

TEST(PreviewForm, FollowsTheTerminal) {
  EXPECT_EQ(form({{"TERM", "xterm-kitty"}, {"COLORTERM", "truecolor"}}), PreviewForm::kKitty);
  EXPECT_EQ(form({{"TERM", "xterm-256color"}, {"TERM_PROGRAM", "iTerm.app"}}), PreviewForm::kITerm);
  EXPECT_EQ(form({{"TERM", "xterm-256color"}, {"COLORTERM", "truecolor"}}), PreviewForm::kBlocks);
  EXPECT_EQ(form({{"TERM", "tmux-256color"}, {"TERM_PROGRAM", "iTerm.app"}, {"COLORTERM", "24bit"}}), PreviewForm::kBlocks);
  EXPECT_EQ(form({{"TERM", "xterm-kitty"}, {"TMUX", "/tmp/x"}}), PreviewForm::kNone);
  EXPECT_EQ(form({{"TERM", "xterm"}}), PreviewForm::kNone);
  EXPECT_EQ(form({{"TERM", "dumb"}, {"COLORTERM", "truecolor"}}), PreviewForm::kNone);
  EXPECT_EQ(form({}), PreviewForm::kNone);
}

TEST(HalfBlocks, TwoPixelsACharacter) {
  const TerminalPicture picture = half_blocks(std::string("P6\n1 3\n255\n\x01\x02\x03\x04\x05\x06\x07\x08\x09", 20));
  EXPECT_EQ(picture.rows, 2u);
  EXPECT_EQ(picture.text, "\x1b[38;2;1;2;3m\x1b[48;2;4;5;6m\u2580\x1b[0m\n\x1b[38;2;7;8;9m\u2580\x1b[0m\n");
  for (const char* bad : {"", "P5\n1 1\n255\nabc", "P6\n1 1\n255\nab", "P6\n1 1\n65535\nabc", "P6\n0 1\n255\n", "P6\n1", "P6\n99999 1\n255\nabc"})
    EXPECT_THROW(half_blocks(bad), InvalidInput) << bad;
}

TEST(Base64, IsTheStandards) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(ProgressView, TakesItsPictureAway) {
  std::ostringstream out;
  ProgressView view(out, ProgressView::Style::kBar);
  view.begin({{"1", json::object{{"class_type", "KSampler"}}}}, 1);
  view.picture({"<picture>\n", 3, "<erase>"});
  EXPECT_NE(out.str().find("<picture>\n\r["), std::string::npos) << "the bar stands below it";
  out.str("");
  view.say("a line");
  EXPECT_EQ(out.str().find("\r\x1b[K<erase>\r\x1b[3A\x1b[Ja line\n<picture>\n"), 0u) << out.str();
  out.str("");
  view.clear();
  EXPECT_EQ(out.str(), "\r\x1b[K<erase>\r\x1b[3A\x1b[J");
  out.str("");
  view.clear();
  EXPECT_EQ(out.str(), "");
}

TEST(ProgressView, SaysHowLongANodeStillTakes) {
  std::ostringstream out;
  std::int64_t now = 1000;
  ProgressView view(out, ProgressView::Style::kLines, 80, [&now] { return now; });
  view.begin({{"1", json::object{{"class_type", "KSampler"}}}}, 1);
  view.started("1");
  view.step("1", 1, 4);
  EXPECT_EQ(out.str().find("left"), std::string::npos) << "one step says nothing yet";
  now += 600;
  view.step("1", 2, 4);
  EXPECT_NE(out.str().find("2/4  0:02 left"), std::string::npos) << out.str();
  out.str("");
  view.step("1", 4, 4);
  EXPECT_EQ(out.str().find("left"), std::string::npos);
}

TEST(CheckpointChoice, IsTheFirstAndSaysSo) {
  std::string note;
  EXPECT_EQ(first_checkpoint({"only.safetensors"}, note), "only.safetensors");
  EXPECT_EQ(note, "model only.safetensors");
  EXPECT_EQ(first_checkpoint({"a", "b"}, note), "a");
  EXPECT_EQ(note, "model a, the first of 2; --model takes another");
  EXPECT_EQ(first_checkpoint({"darkroom-demo.safetensors", "sd15.safetensors"}, note), "sd15.safetensors");
  EXPECT_EQ(note, "model sd15.safetensors");
  EXPECT_EQ(first_checkpoint({"darkroom-demo.safetensors"}, note), "darkroom-demo.safetensors");
  EXPECT_NE(note.find("demonstration"), std::string::npos);
  EXPECT_THROW(first_checkpoint({}, note), RunFailure);
}

}  // namespace
}  // namespace darkroom
