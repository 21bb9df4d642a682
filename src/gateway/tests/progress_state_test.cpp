#include "gateway/progress_state.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

json::object nodes_of(const std::string& message) { return parse_json(message).at("data").at("nodes").as_object(); }

TEST(ProgressState, IsWrittenAsRecorded) {
  ProgressState state("p");
  state.start({"1.0.0.2", "1", "1", "1"});
  EXPECT_EQ(state.whole_message(),
            R"({"type":"progress_state","data":{"prompt_id":"p","nodes":{"1.0.0.2":{"value":0.0,"max":1.0,"state":"running",)"
            R"("node_id":"1.0.0.2","prompt_id":"p","display_node_id":"1","parent_node_id":"1","real_node_id":"1"}}}})");
}

TEST(ProgressState, FollowsNodesInTheOrderOfFirstTouch) {
  ProgressState state("p");
  state.start(NodeIds::plain("b"));
  state.finish(NodeIds::plain("a"), true);
  state.step({"b", 3, 20});
  EXPECT_TRUE(state.has_running());
  state.finish(NodeIds::plain("b"), false);
  EXPECT_FALSE(state.has_running());
  const json::object nodes = nodes_of(state.whole_message());
  EXPECT_EQ(nodes.begin()->key(), "b");
  EXPECT_EQ(dump(nodes.at("b").at("value")), "20");
  EXPECT_EQ(nodes.at("b").at("state"), "finished");
  EXPECT_EQ(dump(nodes.at("a").at("value")), "1") << "a cached node shows integers";
  state.start(NodeIds::plain("b"));
  EXPECT_EQ(dump(nodes_of(state.whole_message()).at("b").at("value")), "0.0") << "taken up again";
}

TEST(ProgressState, TheWholeMessageIsTheSameHoweverOftenItWasMade) {
  ProgressState often("p"), once("p");
  const auto both = [&](auto change) {
    change(often);
    change(once);
    often.whole_message();
  };
  for (int i = 0; i < 60; ++i) {
    const NodeIds ids = NodeIds::plain(std::to_string(i * 7 % 20));
    both([&](ProgressState& state) { state.start(ids); });
    if (i % 3) both([&](ProgressState& state) { state.step({std::to_string(i * 5 % 20), i, 100}); });
    if (i % 2) both([&](ProgressState& state) { state.finish(ids, i % 4 == 1); });
  }
  EXPECT_EQ(often.whole_message(), once.whole_message());
  EXPECT_EQ(nodes_of(often.whole_message()).size(), 20u);
}

TEST(ProgressState, ChangesHoldRunningNodesAndWhatIsNew) {
  ProgressState state("p");
  for (int i = 0; i < 300; ++i) {
    state.start(NodeIds::plain(std::to_string(i)));
    if (i != 7) state.finish(NodeIds::plain(std::to_string(i)), false);
  }
  EXPECT_FALSE(state.whole());
  EXPECT_EQ(nodes_of(state.changes_message()).size(), 300u);
  state.start(NodeIds::plain("x\"y"));
  const json::object nodes = nodes_of(state.changes_message());
  EXPECT_EQ(nodes.size(), 2u);
  EXPECT_TRUE(nodes.contains("7"));
  EXPECT_TRUE(nodes.contains("x\"y"));
  EXPECT_EQ(nodes_of(state.changes_message()).size(), 2u) << "running ones are always told";
}

TEST(ProgressState, ThinningBeginsAtTheLimit) {
  ProgressState state("p");
  for (std::size_t i = 0; i < kWholeProgressNodes; ++i) state.start(NodeIds::plain(std::to_string(i)));
  EXPECT_TRUE(state.whole());
  state.start(NodeIds::plain("one more"));
  EXPECT_FALSE(state.whole());
}

TEST(ProgressState, AMessageHasALimitAndTheRestFollows) {
  ProgressState state("p");
  for (int i = 0; i < 9000; ++i) state.finish(NodeIds::plain("a-rather-long-node-id-" + std::to_string(i)), false);
  std::size_t told = 0, messages = 0;
  while (state.has_changes()) {
    const std::string message = state.changes_message();
    EXPECT_LE(message.size(), kProgressBytes);
    told += nodes_of(message).size();
    ++messages;
  }
  EXPECT_EQ(told, 9000u);
  EXPECT_GT(messages, 1u);
}

}  // namespace
}  // namespace darkroom
