// The client against the real server, in process.

#include "client/transport.hpp"

#include <boost/asio/use_future.hpp>

#include "gateway/tests/server_fixture.hpp"

namespace darkroom {
namespace {

class TransportLimits : public ServerTest {
 protected:
  template <class T>
  T wait(asio::awaitable<T> work) {
    auto done = asio::co_spawn(client_io, std::move(work), asio::use_future);
    client_io.restart();
    while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) client_io.run_one();  // timers of the socket go on
    return done.get();
  }
  asio::io_context client_io;
};

TEST_F(TransportLimits, MessagesAtTheLimit) {
  hub_limits.hard_bytes = 256u << 20;
  start();
  Transport client(client_io.get_executor(), ServerUrl::parse("127.0.0.1:" + std::to_string(port)));
  wait([&]() -> asio::awaitable<int> {
    co_await client.open_socket("/ws?clientId=me");
    co_return 0;
  }());
  EXPECT_EQ(wait(client.read_message()), "hello me");
  constexpr std::size_t kLimit = 64u << 20;
  on_io([&] {
    hub.send("local", "me", Frame::text(std::string(kLimit, 'm')));
    hub.send("local", "me", Frame::text(std::string(kLimit + 1, 'm')));
  });
  const auto at = wait(client.read_message());
  ASSERT_TRUE(at);
  EXPECT_EQ(at->size(), kLimit);
  EXPECT_FALSE(wait(client.read_message())) << "the connection is given up";
  EXPECT_EQ(wait(client.get("/queue")).body, "{\"n\":1}") << "requests go on";
}

}  // namespace
}  // namespace darkroom
