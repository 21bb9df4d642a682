// Messages become events; what is not read is kept within limits.

#include "client/events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "client/job_state.hpp"

namespace darkroom::client {
namespace {

using testing::ElementsAre;

/// One word for each event.
std::string shown(const JobEvent& event) {
  struct {
    std::string operator()(const JobStarted&) { return "started"; }
    std::string operator()(const NodesCached& e) { return "cached " + std::to_string(e.nodes.size()); }
    std::string operator()(const NodeStarted& e) {
      return "node " + e.node + " " + std::to_string(e.number) + "/" + std::to_string(e.total);
    }
    std::string operator()(const NodeStep& e) { return "step " + e.node + " " + std::to_string(e.value) + "/" + std::to_string(e.max); }
    std::string operator()(const PreviewImage& e) { return "preview " + e.node + " " + e.content_type + " " + e.bytes; }
    std::string operator()(const NodeText& e) { return "text " + e.node + " " + e.text; }
    std::string operator()(const NodeBlocked& e) { return "blocked " + e.node; }
    std::string operator()(const NodeFinished& e) { return "finished " + e.node; }
    std::string operator()(const NodeOutput& e) { return "output " + e.node + " " + dump(e.output); }
    std::string operator()(const JobDone&) { return "done"; }
    std::string operator()(const JobFailed& e) { return "failed " + e.node + " " + e.exception_type + " " + e.message; }
    std::string operator()(const JobInterrupted& e) { return "interrupted " + e.node; }
  } words;
  return std::visit(words, event);
}

std::vector<std::string> shown(const std::vector<JobEvent>& events) {
  std::vector<std::string> lines;
  for (const auto& event : events) lines.push_back(shown(event));
  return lines;
}

class Events : public testing::Test {
 protected:
  void take(const char* type, const char* data) {
    for (auto& line : shown(events.take(type, parse_json(data).as_object()))) lines.push_back(std::move(line));
  }
  JobEvents events{3};
  std::vector<std::string> lines;
};

TEST_F(Events, OfAWholeJob) {
  take("execution_start", R"({"prompt_id":"p"})");
  take("execution_cached", R"({"nodes":["1"]})");
  take("executing", R"({"node":"2"})");
  take("progress", R"({"node":"2","value":1,"max":2})");
  take("progress_state", R"({"nodes":{"2":{"state":"finished"},"3":{"state":"pending"}}})");
  take("executing", R"({"node":"3"})");
  take("executed", R"({"node":"3","output":{"images":[]}})");
  take("progress_state", R"({"nodes":{"2":{"state":"finished"},"3":{"state":"finished"}}})");
  take("execution_success", R"({})");
  EXPECT_FALSE(events.over());
  take("executing", R"({"node":null})");
  EXPECT_TRUE(events.over());
  take("executing", R"({"node":"9"})");
  EXPECT_THAT(lines, ElementsAre("started", "cached 1", "node 2 2/3", "step 2 1/2", "finished 2", "node 3 3/3", "output 3 {\"images\":[]}",
                                 "finished 3", "done"));
}

TEST_F(Events, OfAFailure) {
  take("executing", R"({"node":"1"})");
  take("execution_error", R"({"node_id":"1","node_type":"T","exception_type":"ExecutionBlocked","exception_message":"shut"})");
  take("execution_error", R"({"node_id":"2","node_type":"T","exception_type":"ValueError","exception_message":"bad","traceback":["a"]})");
  take("executing", R"({"node":null})");
  EXPECT_THAT(lines, ElementsAre("node 1 1/3", "blocked 1", "failed 2 ValueError bad"));
}

TEST_F(Events, OfAnInterruption) {
  take("execution_interrupted", R"({"node_id":"2","node_type":"T","executed":[]})");
  take("executing", R"({"node":null})");
  EXPECT_THAT(lines, ElementsAre("interrupted 2"));
}

TEST_F(Events, MoreNodesThanWereExpected) {
  for (const char* data : {R"({"node":"1"})", R"({"node":"2"})", R"({"node":"3"})", R"({"node":"4"})"}) take("executing", data);
  EXPECT_EQ(lines.back(), "node 4 4/4");
}

TEST_F(Events, OfTheHistoryWhereNoMessageCame) {
  const auto entry =
      parse_json(R"({"outputs":{"3":{"text":["a"]}},"status":{"status_str":"error","completed":false,"messages":[["execution_start",{}],
    ["execution_error",{"node_id":"2","node_type":"T","exception_type":"ValueError","exception_message":"bad"}]]}})");
  EXPECT_THAT(shown(events.take_history(entry.as_object())), ElementsAre("output 3 {\"text\":[\"a\"]}", "failed 2 ValueError bad"));
  EXPECT_TRUE(events.take_history(entry.as_object()).empty()) << "once";
}

TEST_F(Events, OfServersThatTellNoStates) {
  take("executing", R"({"node":"1"})");
  take("executing", R"({"node":"2"})");
  take("executing", R"({"node":null})");
  EXPECT_THAT(lines, ElementsAre("node 1 1/3", "finished 1", "node 2 2/3", "finished 2", "done"));
}

TEST_F(Events, OfAJobThatTheServerDoesNotKnow) {
  EXPECT_THAT(shown(JobEvents().take_loss()), ElementsAre("interrupted ")) << "it never began";
  take("executing", R"({"node":"1"})");
  EXPECT_THAT(shown(events.take_loss()), ElementsAre("failed 1  the server does not know the job any more"));
}

TEST_F(Events, OutputsAreToldOnce) {
  take("executed", R"({"node":"3","output":{"text":["a"]}})");
  const auto entry = parse_json(R"({"outputs":{"3":{"text":["a"]},"4":{}},"status":{"status_str":"success"}})");
  EXPECT_THAT(shown(events.take_history(entry.as_object())), ElementsAre("output 4 {}", "done"));
}

TEST(ReadBinary, EachKindAndNothingElse) {
  using namespace std::string_literals;
  const auto preview = read_binary("\0\0\0\1\0\0\0\2PNG"s);
  ASSERT_TRUE(preview);
  EXPECT_EQ(preview->content_type + " " + preview->body, "image/png PNG");
  const auto text = read_binary(
      "\0\0\0\3\0\0\0\2"
      "12hello"s);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->node + " " + text->body, "12 hello");
  const std::string metadata = R"({"prompt_id":"p","node_id":"7","image_type":"image/jpeg"})";
  const auto described = read_binary("\0\0\0\4\0\0\0"s + static_cast<char>(metadata.size()) + metadata + "JPEG");
  ASSERT_TRUE(described);
  EXPECT_EQ(described->prompt_id + " " + described->node + " " + described->body, "p 7 JPEG");
  for (const auto& damaged : {""s, "\0\0"s, "\0\0\0\1\0\0\0\1"s,
                              "\0\0\0\3\0\0\0\xff"
                              "1"s,
                              "\0\0\0\4\0\0\0\2{{x"s, "\0\0\0\4\xff\xff\xff\xff{}"s,
                              "\0\0\0\x09"
                              "body"s})
    EXPECT_FALSE(read_binary(damaged)) << testing::PrintToString(damaged);
}

class JobTest : public testing::Test {
 protected:
  std::size_t count(std::size_t kind) const {
    std::size_t found = 0;
    for (const auto& event : job->waiting) found += event.index() == kind;
    return found;
  }
  asio::io_context io;
  std::shared_ptr<Job::State> job = std::make_shared<Job::State>(io.get_executor(), "p", 3);
};

TEST_F(JobTest, LeavesOutOldStepsPastTheLimit) {
  job->push({JobStarted{}});
  for (int i = 1; i <= 4095; ++i) job->push({NodeStep{"1", i, 5000}});
  EXPECT_EQ(job->waiting.size(), 4096u);
  job->push({NodeStep{"1", 4096, 5000}});
  EXPECT_EQ(job->waiting.size(), 4096u);
  EXPECT_EQ(shown(job->waiting[0]), "started");
  EXPECT_EQ(shown(job->waiting[1]), "step 1 2/5000");
  EXPECT_EQ(shown(job->waiting.back()), "step 1 4096/5000");
}

TEST_F(JobTest, LeavesOutOldPreviewsPastTheLimit) {
  for (int i = 1; i <= 17; ++i) job->push({PreviewImage{"1", "image/png", std::to_string(i)}});
  EXPECT_EQ(job->waiting.size(), 16u);
  EXPECT_EQ(shown(job->waiting.front()), "preview 1 image/png 2");
}

}  // namespace
}  // namespace darkroom::client
