#include "gateway/job_events.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace darkroom {
namespace {

using namespace std::chrono_literals;

class JobEventsTest : public testing::Test {
 protected:
  JobEventsTest() {
    job_.prompt = {{"1", json::object{{"class_type", "Load"}}},
                   {"2", json::object{{"class_type", "KSampler"}, {"inputs", json::object{{"model", json::array{"1", 0}}}}}},
                   {"3", json::object{{"class_type", "Save"}, {"inputs", json::object{{"images", json::array{"2", 0}}}}}},
                   {"4", json::object{{"class_type", "Unused"}}}};
    job_.outputs = {"3"};
    events_ = std::make_shared<JobEvents>(io_.get_executor(), job_, 2);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const auto& event : events_->events())
      list.push_back(event.name == "status" ? std::string(event.data.at("status").as_string()) : event.name);
    return list;
  }
  void step(int value, int most) { events_->apply(NodeProgress{.node = "2", .value = value, .max = most}); }

  asio::io_context io_;
  Job job_;
  std::shared_ptr<JobEvents> events_;
};

using Names = std::vector<std::string>;

TEST_F(JobEventsTest, AreNumberedFromBeginningToEnd) {
  events_->apply(JobStarted{1000, ""});
  events_->apply(NodeStarted{NodeIds::plain("1")});
  events_->apply(NodeExecuted{
      NodeIds::plain("3"), json::object{{"images", json::array{json::object{{"filename", "a.png"}, {"subfolder", ""}, {"type", "output"}}}},
                                        {"text", json::array{"x"}}}});
  events_->end("succeeded");
  events_->apply(NodeStarted{NodeIds::plain("2")});
  EXPECT_EQ(names(), (Names{"running", "progress", "output", "succeeded"}));
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(events_->events()[static_cast<std::size_t>(i)].seq, i + 1);
  EXPECT_TRUE(events_->has_ended());
  EXPECT_EQ(dump(events_->events()[2].data), R"({"node_id":"3","filename":"a.png","subfolder":"","type":"output","key":"images"})");
}

TEST_F(JobEventsTest, ProgressIsOfTheWholeJobAndNeverFalls) {
  EXPECT_EQ(events_->progress().nodes_total, 3) << "what no output hangs on does not run";
  events_->apply(NodesCached{{"1"}, 0});
  EXPECT_DOUBLE_EQ(events_->progress().value, 1.0 / 3);
  events_->apply(NodeStarted{NodeIds::plain("2")});
  step(10, 20);
  EXPECT_DOUBLE_EQ(events_->progress().value, 0.5);
  EXPECT_EQ(events_->progress().node_class, "KSampler");
  step(1, 20);
  EXPECT_DOUBLE_EQ(events_->progress().value, 0.5);
  events_->apply(NodeFinished{NodeIds::plain("made at run time")});
  EXPECT_EQ(events_->progress().nodes_done, 1);
  events_->apply(NodeFinished{NodeIds::plain("2")});
  events_->apply(NodeFinished{NodeIds::plain("3")});
  EXPECT_DOUBLE_EQ(events_->progress().value, 1);
  EXPECT_EQ(string_or(events_->progress().to_json(), "message", ""), "KSampler 1/20");
}

TEST_F(JobEventsTest, ProgressIsToldTwiceASecondAndLastsToTheNewest) {
  events_->apply(NodeStarted{NodeIds::plain("2")});
  for (int i = 1; i <= 50; ++i) step(i, 50);
  EXPECT_EQ(names(), Names{"progress"});
  io_.run_for(JobEvents::kInterval + 200ms);
  ASSERT_EQ(names(), (Names{"progress", "progress"}));
  EXPECT_EQ(int_or(events_->events().back().data, "step", 0), 50);
}

TEST_F(JobEventsTest, OldProgressGoesBeforeThereAreTooMany) {
  for (std::size_t i = 0; i < JobEvents::kMost - 1; ++i) events_->canceling(), events_->apply(JobStarted{1, ""});
  events_->apply(NodeStarted{NodeIds::plain("2")});
  const std::size_t before = events_->events().size();
  EXPECT_LE(before, JobEvents::kMost + 1);
  EXPECT_EQ(names().back(), "progress") << "the newest one says all";
  events_->end("failed");
  EXPECT_EQ(names().back(), "failed");
}

TEST_F(JobEventsTest, TheTextHasTheEndThatIsToCome) {
  events_->apply(JobStarted{1000, ""});
  const auto stored = JobEvents::read(events_->text("failed"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->first, 2);
  ASSERT_EQ(stored->second.size(), 2u);
  EXPECT_EQ(stored->second[1].seq, 2);
  EXPECT_EQ(stored->second[1].data.at("status").as_string(), "failed");
  EXPECT_FALSE(events_->has_ended());
  for (const char* damaged : {"", "x", "[]", "{}", R"({"attempt":1,"events":[1]})"}) EXPECT_FALSE(JobEvents::read(damaged)) << damaged;
}

TEST_F(JobEventsTest, ListenersHearUntilTheyGo) {
  int heard = 0;
  auto listening = events_->listen([&] { ++heard; });
  events_->apply(JobStarted{1, ""});
  EXPECT_EQ(heard, 1);
  events_->apply(NodeProgress{.node = "2", .value = 1, .max = 2, .format = "PNG", .picture = "x"});
  EXPECT_EQ(events_->preview().content_type, "image/png");
  EXPECT_GE(heard, 3);
  const int before = heard;
  listening.reset();
  events_->leave();
  EXPECT_EQ(heard, before);
  EXPECT_TRUE(events_->has_left());
}

}  // namespace
}  // namespace darkroom
