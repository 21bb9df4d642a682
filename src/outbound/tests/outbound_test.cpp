// Against little servers on addresses of this machine, which a resolver of the tests gives names.

#include "outbound/outbound.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <mutex>

#include "base/error.hpp"

namespace darkroom {
namespace {

using asio::ip::tcp;

std::string reply(const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

std::string redirect(const std::string& to) { return "HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"; }

/// Answers every connection with what `answer` gives for its head, and closes it.
class LittleServer {
 public:
  explicit LittleServer(const char* address, std::function<std::string(const std::string& head)> answer)
      : acceptor_(io_, tcp::endpoint(asio::ip::make_address(address), 0)), answer_(std::move(answer)), thread_([this] { serve(); }) {}
  ~LittleServer() {
    over_ = true;
    boost::system::error_code ignored;
    tcp::socket(io_).connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }
  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  void serve() {
    while (true) {
      tcp::socket socket(io_);
      boost::system::error_code fault;
      acceptor_.accept(socket, fault);
      if (over_) return;
      asio::streambuf buffer;
      const std::size_t size = asio::read_until(socket, buffer, "\r\n\r\n", fault);
      if (fault) continue;
      const std::string head(static_cast<const char*>(buffer.data().data()), size);
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(head);
      }
      asio::write(socket, asio::buffer(answer_(head)), fault);
      socket.shutdown(tcp::socket::shutdown_both, fault);
    }
  }
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::function<std::string(const std::string&)> answer_;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

class OutboundTest : public testing::Test {
 protected:
  /// Each look-up of a name takes the next of its addresses; the last one stays.
  std::vector<asio::ip::address> next_address(const std::string& host) {
    const std::lock_guard lock(mutex);
    ++lookups;
    auto& list = names[host];
    if (list.empty()) throw Unavailable("no such name");
    const auto address = asio::ip::make_address(list.front());
    if (list.size() > 1) list.erase(list.begin());
    return std::vector<asio::ip::address>(1, address);
  }

  template <class T>
  T wait(asio::awaitable<T> work) {
    auto done = asio::co_spawn(io, std::move(work), asio::use_future);
    const auto guard = asio::make_work_guard(io);
    io.restart();
    while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one_for(std::chrono::milliseconds(20));
    return done.get();
  }

  std::string fetch(const std::string& url, std::uint64_t most = 1000, std::chrono::milliseconds time = std::chrono::seconds(20)) {
    if (!outbound) outbound = std::make_unique<Outbound>(options, [this](const std::string& host) { return next_address(host); });
    std::string content;
    const Outbound::Limits limits{most, Outbound::Clock::now() + time};
    wait(outbound->fetch(url, limits, [&](std::string_view piece) { content += piece; }));
    return content;
  }

  asio::io_context io;
  OutboundOptions options{.open = true, .allow = {"127.0.0.9"}};  // the good one; 127.0.0.1 is what must not be reached
  std::mutex mutex;
  std::map<std::string, std::vector<std::string>> names{{"good.test", {"127.0.0.9"}}, {"inner.test", {"127.0.0.1"}}};
  int lookups = 0;
  std::unique_ptr<Outbound> outbound;
};

TEST_F(OutboundTest, FetchesWithoutCookiesOrCredentials) {
  LittleServer server("127.0.0.9", [](const std::string&) { return reply("content", "Set-Cookie: a=b\r\n"); });
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_EQ(fetch("http://good.test:" + server.port() + "/a%20b?c=d#e"), "content");
  EXPECT_EQ(fetch("http://good.test:" + server.port() + "/"), "content");
  ::unsetenv("http_proxy");
  const auto heads = server.heads();
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_TRUE(heads[0].starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: good.test:" + server.port() + "\r\n")) << heads[0];
  for (const auto& head : heads) {
    EXPECT_EQ(head.find("Cookie"), head.npos) << head;
    EXPECT_EQ(head.find("Authorization"), head.npos) << head;
  }
}

TEST_F(OutboundTest, AddressesThatAreNotPublicAreNotReached) {
  LittleServer inner("127.0.0.1", [](const std::string&) { return reply("secret"); });
  for (const char* host : {"inner.test", "127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"})
    EXPECT_THROW(fetch(std::string("http://") + host + ":" + inner.port() + "/"), Forbidden) << host;
  EXPECT_TRUE(inner.heads().empty());
  EXPECT_THROW(fetch("http://unknown.test/"), Unavailable);
}

TEST_F(OutboundTest, ANameIsResolvedOnceAConnection) {
  LittleServer inner("127.0.0.1", [](const std::string&) { return reply("secret"); });
  LittleServer good("127.0.0.9", [](const std::string&) { return reply("content"); });
  names["rebinding.test"] = {"127.0.0.9", "127.0.0.1"};
  EXPECT_EQ(fetch("http://rebinding.test:" + good.port() + "/"), "content") << "what the guard saw is what is connected to";
  EXPECT_EQ(lookups, 1);
  EXPECT_THROW(fetch("http://rebinding.test:" + inner.port() + "/"), Forbidden);
  EXPECT_TRUE(inner.heads().empty());
}

TEST_F(OutboundTest, RedirectsPassTheGuardToo) {
  LittleServer inner("127.0.0.1", [](const std::string&) { return reply("secret"); });
  std::string to;
  LittleServer good("127.0.0.9", [&](const std::string& head) { return head.starts_with("GET /file ") ? reply("content") : redirect(to); });
  const std::string start = "http://good.test:" + good.port() + "/";
  to = "/file";
  EXPECT_EQ(fetch(start), "content");
  for (const std::string& wrong : {"http://127.0.0.1:" + inner.port() + "/", "//inner.test:" + inner.port() + "/",
                                   std::string("http://169.254.169.254/latest/meta-data")}) {
    to = wrong;
    EXPECT_THROW(fetch(start), Forbidden) << wrong;
  }
  for (const char* wrong : {"ftp://good.test/", "http://user:word@good.test/", "file:///etc/passwd"}) {
    to = wrong;
    EXPECT_THROW(fetch(start), Error) << wrong;
  }
  EXPECT_TRUE(inner.heads().empty());
}

TEST_F(OutboundTest, RedirectsHaveALimit) {
  LittleServer good("127.0.0.9", [](const std::string& head) {
    const int left = std::stoi(head.substr(head.find('/') + 1));
    return left == 0 ? reply("content") : redirect("/" + std::to_string(left - 1));
  });
  const std::string start = "http://good.test:" + good.port() + "/";
  EXPECT_EQ(fetch(start + std::to_string(Outbound::kMaxRedirects)), "content");
  EXPECT_THROW(fetch(start + std::to_string(Outbound::kMaxRedirects + 1)), InvalidInput);
}

TEST_F(OutboundTest, SizesHaveALimit) {
  std::string answer = reply(std::string(1000, 'x'));
  LittleServer good("127.0.0.9", [&](const std::string&) { return answer; });
  const std::string url = "http://good.test:" + good.port() + "/";
  EXPECT_EQ(fetch(url).size(), 1000u);
  EXPECT_THROW(fetch(url, 999), TooLarge) << "as it says";
  answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1000, 'x');
  EXPECT_EQ(fetch(url).size(), 1000u);
  EXPECT_THROW(fetch(url, 999), TooLarge) << "as it comes";
}

TEST_F(OutboundTest, AnswersThatAreNoContent) {
  std::string answer;
  LittleServer good("127.0.0.9", [&](const std::string&) { return answer; });
  const std::string url = "http://good.test:" + good.port() + "/";
  for (const char* wrong :
       {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "no HTTP\r\n\r\n", ""}) {
    answer = wrong;
    EXPECT_THROW(fetch(url), Error) << wrong;
  }
}

TEST_F(OutboundTest, TheWholeHasATime) {
  LittleServer good("127.0.0.9", [](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    return reply("content");
  });
  const std::string url = "http://good.test:" + good.port() + "/";
  EXPECT_EQ(fetch(url), "content");
  try {
    fetch(url, 1000, std::chrono::milliseconds(200));
    FAIL() << "it came";
  } catch (const Error& fault) {
    EXPECT_EQ(fault.kind(), ErrorKind::kTimeout) << fault.what();
  }
}

TEST_F(OutboundTest, PostsAndReadsTheStatus) {
  LittleServer good("127.0.0.9", [](const std::string& head) {
    return head.starts_with("POST /moved") ? redirect("/hook")
                                           : std::string("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
  });
  outbound = std::make_unique<Outbound>(options, [this](const std::string& host) { return next_address(host); });
  const auto post = [&](const std::string& path) {
    const std::map<std::string, std::string> fields{{"content-type", "application/json"}, {"webhook-id", "msg_1"}};
    return wait(outbound->post("http://good.test:" + good.port() + path, fields, "{}", Outbound::Clock::now() + std::chrono::seconds(20)));
  };
  const Outbound::Answer busy = post("/hook");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.retry_after_s, 7);
  EXPECT_EQ(post("/moved").status, 302);
  const auto heads = good.heads();
  ASSERT_EQ(heads.size(), 2u) << "a redirect is not followed";
  EXPECT_NE(heads[0].find("webhook-id: msg_1\r\n"), std::string::npos) << heads[0];
  EXPECT_NE(heads[0].find("Content-Length: 2\r\n"), std::string::npos) << heads[0];
}

TEST(Outbound, AddressesHaveALimit) {
  const Outbound outbound({});
  const std::string url = "https://example.org/";
  EXPECT_NO_THROW(outbound.checked(url + std::string(Outbound::kMaxAddressBytes - url.size(), 'x')));
  EXPECT_THROW(outbound.checked(url + std::string(Outbound::kMaxAddressBytes - url.size() + 1, 'x')), InvalidInput);
  for (const char* wrong : {"", "example.org", "ftp://example.org/", "https://", "https://user@example.org/", "https://example.org/a b",
                            "https://example.org:x/", "https://example.org/\r\nX: y"})
    EXPECT_THROW(outbound.checked(wrong), InvalidInput) << wrong;
  EXPECT_THROW(Outbound({.open = false, .allow = {}}).checked(url), Forbidden);
}

TEST_F(OutboundTest, ARedirectToNoPortIsRefused) {
  LittleServer good("127.0.0.9", [](const std::string&) { return redirect("http://good.test:99999/"); });
  EXPECT_THROW(fetch("http://good.test:" + good.port() + "/"), InvalidInput);
}

TEST(Lookups, ALimitedNumberAtATime) {
  asio::io_context io;
  std::mutex held;
  held.lock();
  int known = 0, refused = 0;
  {
    Lookups lookups(io.get_executor(), [&held](const std::string&) {
      const std::lock_guard wait(held);
      return std::vector<asio::ip::address>(1, asio::ip::make_address("9.9.9.9"));
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto ask = [&](std::string host) -> asio::awaitable<void> {
      try {
        co_await lookups.find(std::move(host), end);
        ++known;
      } catch (const Unavailable&) {
        ++refused;
      }
    };
    for (int i = 0; i <= Lookups::kMaxAtATime; ++i) asio::co_spawn(io, ask("name"), asio::detached);
    asio::co_spawn(io, ask("8.8.8.8"), asio::detached);
    while (known + refused < 2) io.run_one_for(std::chrono::milliseconds(20));
    held.unlock();
    while (known + refused < Lookups::kMaxAtATime + 2) io.run_one_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(known, Lookups::kMaxAtATime + 1) << "an address needs no look-up";
}

TEST(Lookups, ASlowOneIsLeftToItself) {
  asio::io_context io;
  std::atomic<bool> over = false;
  {
    Lookups lookups(io.get_executor(), [&over](const std::string&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      over = true;
      return std::vector<asio::ip::address>();
    });
    auto found =
        asio::co_spawn(io, lookups.find("slow.test", std::chrono::steady_clock::now() + std::chrono::milliseconds(50)), asio::use_future);
    io.run();
    EXPECT_THROW(found.get(), Unavailable);
    EXPECT_FALSE(over);
  }
  while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace darkroom
