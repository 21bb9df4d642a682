#include "gateway/hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace darkroom {
namespace {

using testing::ElementsAre;

struct FakeSession final : HubSession {
  explicit FakeSession(std::string name, std::string owner = "local") : id(std::move(name)), shake{.owner = std::move(owner)} {}
  void send(const Frame& frame) override { got.push_back(*frame.payload); }
  const std::string& client_id() const override { return id; }
  bool supports_preview_metadata() const override { return false; }
  void close(std::uint16_t code) override { closed = code; }
  const Handshake& handshake() const override { return shake; }
  std::string id;
  Handshake shake;
  std::vector<std::string> got;
  int closed = 0;
};

TEST(Hub, NobodyHearsWhatIsSaidInAnothersRoom) {
  Hub hub;
  FakeSession anna("me", "anna"), bob("me", "bob"), local("me"), named("you", "comfy-user:anna");
  for (auto* session : {&anna, &bob, &local, &named}) hub.connect(*session);
  hub.send("anna", "me", Frame::text("to anna"));
  hub.broadcast("bob", Frame::text("to bob's"));
  hub.broadcast("local", Frame::text("to the local room"));
  hub.send("anna", "you", Frame::text("to nobody"));
  EXPECT_THAT(anna.got, ElementsAre("to anna"));
  EXPECT_THAT(bob.got, ElementsAre("to bob's"));
  EXPECT_THAT(local.got, ElementsAre("to the local room"));
  EXPECT_THAT(named.got, ElementsAre("to the local room"));
  hub.disconnect(anna);
  EXPECT_FALSE(hub.anybody_in("anna"));
  EXPECT_EQ(hub.find("bob", "me"), &bob);
  std::vector<std::string> rooms;
  hub.each_room([&](const std::string& room) { rooms.push_back(room); });
  EXPECT_THAT(rooms, testing::UnorderedElementsAre("bob", "local"));
}

// protocol.md §4.1: the newer of an id gets its messages, also after the older has gone.
TEST(Hub, TheNewerOfAnIdStaysWhenTheOlderGoes) {
  Hub hub;
  std::vector<std::string> gone;
  hub.on_disconnect([&](const std::string& id) { gone.push_back(id); });
  FakeSession older("me"), newer("me"), other("other");
  hub.connect(older);
  hub.connect(newer);
  hub.connect(other);
  hub.send("local", "me", Frame::text("one"));
  hub.broadcast(Frame::text("all"));
  EXPECT_THAT(older.got, ElementsAre("all")) << "deaf for its id, but a broadcast is for every socket";
  EXPECT_THAT(newer.got, ElementsAre("one", "all"));
  hub.disconnect(older);
  EXPECT_TRUE(gone.empty());
  hub.send("local", "me", Frame::text("two"));
  EXPECT_THAT(newer.got, ElementsAre("one", "all", "two"));
  hub.disconnect(newer);
  hub.disconnect(newer);
  EXPECT_THAT(gone, ElementsAre("me"));
  hub.send("local", "me", Frame::text("three"));
  hub.broadcast(Frame::text("rest"));
  EXPECT_THAT(other.got, ElementsAre("all", "rest"));
  EXPECT_EQ(hub.size(), 1u);
  EXPECT_EQ(hub.find("local", "me"), nullptr);
}

TEST(Hub, ClosesEverybodyWhenTheServerGoes) {
  Hub hub;
  FakeSession one("1"), two("2");
  hub.connect(one);
  hub.connect(two);
  hub.close_all();
  EXPECT_EQ(one.closed, 1001);
  EXPECT_EQ(two.closed, 1001);
}

TEST(Frame, MessageIsOneObject) {
  EXPECT_EQ(*Frame::message("status", {{"a", 1}}).payload, R"({"type":"status","data":{"a":1}})");
  EXPECT_TRUE(Frame::bytes("x").binary);
}

}  // namespace
}  // namespace darkroom
