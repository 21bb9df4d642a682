// What a run of `darkroom restore` shows and tells.

#include "cli/restore_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/restore_report.hpp"

namespace darkroom {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using State = PhotoOutcome::State;

TEST(RestoreLines, OneForEachPhoto) {
  std::ostringstream out;
  RestoreView view(out, RestoreView::Style::kLines);
  view.begin(2);
  view.started("a\x1b[2J.jpg");
  view.progress({.percent = 50, .text = "Enlarging", .seconds_left = {}});
  view.ended(" -> a.png  2.0 s");
  view.started("b.jpg");
  view.ended(" failed: It can't be read");
  EXPECT_EQ(out.str(), "1/2 a[2J.jpg -> a.png  2.0 s\n2/2 b.jpg failed: It can't be read\n");
}

TEST(RestoreBar, ShowsStagePercentAndTime) {
  std::ostringstream out;
  std::int64_t now = 0;
  {
    RestoreView view(out, RestoreView::Style::kBar, 100, [&] { return now; });
    view.begin(3);
    view.started("a.jpg");
    now += 1000;
    view.progress({.percent = 50, .text = "Enlarging: 1 of 2 parts done", .seconds_left = {{5, 9}}});
    EXPECT_THAT(out.str(),
                EndsWith("[####....................] 1/3  a.jpg  50 %  0:07 left for this photo  Enlarging: 1 of 2 parts done\x1b[K"));
    now += 9000;
    view.ended("");
    view.started("b.jpg");
    now += 5000;  // one and a half in 15 s
    view.progress({.percent = 50, .text = "Enlarging", .seconds_left = {{5, 9}}});
    EXPECT_THAT(out.str(), EndsWith("[############............] 2/3  b.jpg  50 %  0:15 left  Enlarging\x1b[K"));
    view.say("a note");
    EXPECT_THAT(out.str(), HasSubstr("\r\x1b[Ka note\n\r["));
  }
  EXPECT_THAT(out.str(), EndsWith("\r\x1b[K")) << "nothing is left behind";
}

TEST(RestoreBar, FitsTheTerminal) {
  std::ostringstream out;
  RestoreView view(out, RestoreView::Style::kBar, 40);
  view.begin(1);
  view.started(std::string(300, 'x'));
  view.clear();
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line, '\r');) EXPECT_LE(line.size(), 39u + 3u);
}

TEST(RestoreReport, CountsAndNamesWhatFailed) {
  const std::vector<PhotoOutcome> outcomes{{.state = State::kRestored, .photo = "a.jpg"},
                                           {.state = State::kDoneBefore, .photo = "b.jpg"},
                                           {.state = State::kFailed, .photo = "c\n.jpg", .why = "It can't be read"},
                                           {.state = State::kNotDone, .photo = "d.jpg"}};
  EXPECT_EQ(summary(outcomes, 61),
            "1 restored, 1 done before (--overwrite does them again), 1 failed, 1 not done in 1:01\nfailed: c.jpg: It can't be read\n");
  EXPECT_EQ(summary(outcomes, 61, false), "failed: c.jpg: It can't be read\n");
  EXPECT_EQ(summary({{.photo = "a.jpg"}}, 1, false), "");
}

TEST(RestoreReport, ALineOfJson) {
  EXPECT_EQ(json_line({.state = State::kRestored, .photo = "a.jpg", .result = "a.png", .was_begun = true, .seconds = 1.23456}),
            R"({"file":"a.jpg","state":"restored","result":"a.png","seconds":1.235})");
  EXPECT_EQ(json_line({.state = State::kFailed, .photo = "\xff.jpg", .code = "bad_image", .why = "no \"picture\""}),
            R"({"file":"?.jpg","state":"failed","code":"bad_image","error":"no \"picture\""})");
}

}  // namespace
}  // namespace darkroom
