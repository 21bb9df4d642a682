#include "worker/outbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace darkroom {
namespace {

TEST(Outbox, SendersWaitOverTheLimit) {
  Outbox outbox;
  std::atomic<int> sent = 0;
  const auto picture = [] {
    return NodeProgress{.node = "1", .value = 1, .max = 2, .format = "JPEG", .picture = std::string(40u << 20, 'p')};
  };
  std::thread sender([&] {
    for (int i = 0; i < 3; ++i) {
      outbox.send("job", 1, picture());
      ++sent;
    }
  });
  for (int i = 0; i < 200 && sent < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(sent, 2) << "40 MiB were below the limit of 64, 80 are not";
  outbox.send("job", 1, NodeFinished{NodeIds::plain("1")});  // what has no picture never waits
  EXPECT_GT(outbox.take().size(), 80u << 20);
  sender.join();
  EXPECT_EQ(sent, 3);
}

TEST(Outbox, RecordsWithBytesWaitAsEventsDo) {
  Outbox outbox;
  outbox.send(Record{"binary", {}, std::string(70u << 20, 'b')});
  std::atomic<bool> sent = false;
  std::thread sender([&] {
    outbox.send(Record{"binary", {}, "b"});
    sent = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(sent);
  outbox.send(Record{"pong", {}, {}});
  EXPECT_GT(outbox.take().size(), 70u << 20);
  sender.join();
}

TEST(Outbox, ARecordThatIsTooLongCostsOnlyItself) {
  Outbox outbox;
  outbox.send(Record{"binary", {}, std::string(kMaxRecordBytes, 'b')});
  outbox.send(Record{"pong", {}, {}});
  EXPECT_LT(outbox.take().size(), 100u);
}

TEST(Outbox, NobodyWaitsForAReaderThatIsGone) {
  Outbox outbox;
  std::thread sender([&] {
    for (int i = 0; i < 4; ++i) outbox.send("job", 1, NodeProgress{.node = "1", .format = "JPEG", .picture = std::string(40u << 20, 'p')});
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  outbox.close();
  sender.join();
}

}  // namespace
}  // namespace darkroom
