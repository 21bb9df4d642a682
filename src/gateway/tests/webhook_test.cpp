#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/metrics.hpp"
#include "gateway/webhook_schedule.hpp"
#include "gateway/webhook_sender.hpp"
#include "gateway/webhook_signature.hpp"
#include "outbound/outbound.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

using namespace std::chrono_literals;

TEST(WebhookSignature, AKnownVector) {
  const auto secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  EXPECT_EQ(secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, SecretsHaveAForm) {
  const std::string b32 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";  // 24 bytes
  EXPECT_NO_THROW(WebhookSecret::parse(" whsec_" + b32 + "\n"));
  EXPECT_NO_THROW(WebhookSecret::parse("whsec_" + b32 + b32 + "AAAAAAAAAAAAAAAAAAAAAA=="));             // 64
  EXPECT_THROW(WebhookSecret::parse("whsec_" + b32 + b32 + "AAAAAAAAAAAAAAAAAAAAAAA="), InvalidInput);  // 65
  for (const char* wrong : {"", "whsec_", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                            "whsec_AAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAA", "whsec_!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_THROW(WebhookSecret::parse(wrong), InvalidInput) << wrong;
}

TEST(WebhookSignature, TheServersOwnSecretIsKept) {
  ScratchFolder folder;
  const auto file = folder / "webhook.secret";
  const std::string signature = WebhookSecret::of_file(file).sign("a", 1, "b");
  EXPECT_EQ(WebhookSecret::of_file(file).sign("a", 1, "b"), signature);
  EXPECT_TRUE(ScratchFolder::read(file).starts_with("whsec_"));
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_NE(WebhookSecret::of_file(folder / "other.secret").sign("a", 1, "b"), signature);
}

TEST(WebhookSchedule, WaitsGrowUpToALimit) {
  const WebhookTimes times;
  EXPECT_EQ(next_try(times, 1, 0, 1000, 0ms, 0.5), 1000 + 5'000);
  EXPECT_EQ(next_try(times, 1, 0, 1000, 0ms, 0), 1000 + 4'000);
  EXPECT_EQ(next_try(times, 1, 0, 1000, 0ms, 1), 1000 + 6'000);
  EXPECT_EQ(next_try(times, 2, 0, 1000, 0ms, 0.5), 1000 + 15'000);
  EXPECT_EQ(next_try(times, 4, 0, 1000, 0ms, 0.5), 1000 + 135'000);
  EXPECT_EQ(next_try(times, 8, 0, 0, 0ms, 0.5), 10'935'000);
  EXPECT_EQ(next_try(times, 9, 0, 0, 0ms, 0.5), 14'400'000);
  EXPECT_EQ(next_try(times, 12, 0, 0, 0ms, 1), 14'400'000);
  EXPECT_EQ(next_try(times, 1, 0, 0, 60'000ms, 0.5), 60'000) << "as the receiver asks";
  EXPECT_EQ(next_try(times, 1, 0, 0, 14'400'001ms, 0.5), 14'400'000);
}

TEST(WebhookSchedule, TriesHaveALimit) {
  const WebhookTimes times;
  EXPECT_TRUE(next_try(times, times.tries - 1, 0, 0, 0ms, 0.5));
  EXPECT_FALSE(next_try(times, times.tries, 0, 0, 0ms, 0.5));
}

TEST(WebhookSchedule, TheWholeHasATime) {
  const WebhookTimes times;
  const std::int64_t last = times.total.count() - 5'000;
  EXPECT_EQ(next_try(times, 1, 0, last, 0ms, 0.5), times.total.count());
  EXPECT_FALSE(next_try(times, 1, 0, last + 1, 0ms, 0.5));
}

/// Keeps messages in memory; a body that is asked for is given when the test says so.
class HeldStore final : public WebhookStore {
 public:
  explicit HeldStore(asio::io_context& io) : hold(io, std::chrono::steady_clock::time_point::max()) {}
  asio::awaitable<std::vector<WebhookMessage>> waiting() override { co_return messages; }
  asio::awaitable<std::optional<std::string>> body(std::int64_t seq) override {
    asked.push_back(seq);
    boost::system::error_code ignored;
    co_await hold.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return std::nullopt;  // nothing is sent: the try fails
  }
  asio::awaitable<void> tried(std::int64_t, int, std::int64_t) override { co_return; }
  asio::awaitable<void> forget(std::int64_t) override { co_return; }
  void on_message(std::function<void(WebhookMessage)> listener) override { tell = std::move(listener); }

  std::vector<WebhookMessage> messages;
  std::vector<std::int64_t> asked;
  std::function<void(WebhookMessage)> tell;
  asio::steady_timer hold;
};

class WebhookSenderTest : public testing::Test {
 protected:
  void add(const std::string& owner, const std::string& host) {
    WebhookMessage message;
    message.seq = static_cast<std::int64_t>(store.messages.size()) + 1;
    message.id = "msg_" + std::to_string(message.seq);
    message.owner = owner;
    message.url = "https://" + host + "/hook";
    message.made = message.next_try = now_ms() - 1000 + message.seq;
    store.messages.push_back(std::move(message));
  }
  void start() {
    asio::co_spawn(io, sender.start(), asio::detached);
    run();
  }
  void run() {
    io.restart();
    io.run_for(100ms);
  }

  asio::io_context io;
  HeldStore store{io};
  Outbound outbound{OutboundOptions{}};
  Metrics metrics;
  WebhookSender sender{io.get_executor(), store, outbound, WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), metrics};
};

TEST_F(WebhookSenderTest, OneAfterTheOtherToAHost) {
  for (int i = 0; i < 3; ++i) add("anna", "one.test");
  add("anna", "two.test");
  add("bob", "one.test");
  start();
  EXPECT_EQ(store.asked, (std::vector<std::int64_t>{1, 4, 5}));
  store.hold.cancel();
  run();
  EXPECT_EQ(store.asked, (std::vector<std::int64_t>{1, 4, 5, 2})) << "those that failed are tried later, and the others go on";
  EXPECT_EQ(sender.waiting(), 5u);
}

TEST_F(WebhookSenderTest, ALimitedNumberAtATime) {
  for (int i = 0; i <= kWebhooksOfUser; ++i) add("anna", "host" + std::to_string(i) + ".test");
  start();
  EXPECT_EQ(store.asked.size(), static_cast<std::size_t>(kWebhooksOfUser));
  for (int user = 0; user < kWebhooksAtATime; ++user) {
    WebhookMessage message = store.messages.front();
    message.seq = 1000 + user;
    message.owner = "user" + std::to_string(user);
    store.tell(std::move(message));
  }
  run();
  EXPECT_EQ(store.asked.size(), static_cast<std::size_t>(kWebhooksAtATime));
}

}  // namespace
}  // namespace darkroom
