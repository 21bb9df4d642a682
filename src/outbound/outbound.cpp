#include "outbound/outbound.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Takes one reply of a fetch.
class Content final : public Transport::Reader {
 public:
  Content(std::uint64_t most, Outbound::Sink& sink) : most_(most), sink_(sink) {}

  bool head(const Transport::Head& head) override {
    switch (head.status) {
      case 200: break;
      case 301:
      case 302:
      case 303:
      case 307:
      case 308:
        location = head.field("location");
        if (location.empty()) throw InvalidInput(fmt::format("the server answered {} without saying where to", head.status));
        return false;
      default: throw InvalidInput(fmt::format("the server answered {}", head.status));
    }
    const std::string encoding = lower(head.field("content-encoding"));
    if (!encoding.empty() && encoding != "identity") throw InvalidInput("the server sends it compressed, though nobody asked for that");
    if (const auto length = number_in(head.field("content-length")); length && *length > most_) refuse();
    return true;
  }

  void piece(std::string_view bytes) override {
    if (bytes.size() > most_ - come_) refuse();
    come_ += bytes.size();
    sink_(bytes);
  }

  std::string location;  ///< of a redirect

 private:
  [[noreturn]] void refuse() const { throw TooLarge(fmt::format("it is larger than {} bytes", most_)); }
  const std::uint64_t most_;
  std::uint64_t come_ = 0;
  Outbound::Sink& sink_;
};

/// Looks at the head of a reply alone.
struct Verdict final : Transport::Reader {
  bool head(const Transport::Head& head) override {
    answer.status = head.status;
    answer.retry_after_s = static_cast<std::int64_t>(std::min<std::uint64_t>(number_in(head.field("retry-after")).value_or(0), 86'400));
    return false;
  }
  void piece(std::string_view) override {}
  Outbound::Answer answer;
};

}  // namespace

Outbound::Outbound(OutboundOptions options, Resolver resolver)
    : open_(options.open), guard_(options.allow), work_(asio::make_work_guard(io_)), lookups_(io_.get_executor(), std::move(resolver)) {}

Outbound::~Outbound() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

void Outbound::start() {
  if (thread_.joinable()) return;
  thread_ = std::thread([this] {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {
        log::error("an event of outward requests failed: {}", error.what());
      }
    }
  });
}

WebAddress Outbound::checked(std::string_view url) const {
  if (!open_) throw Forbidden("this server sends no requests to others (--outbound off)");
  if (url.size() > kMaxAddressBytes) throw InvalidInput(fmt::format("the address is longer than {} bytes", kMaxAddressBytes));
  WebAddress address = WebAddress::parse(url);
  guard_.check_name(address.server.host);
  return address;
}

Transport Outbound::transport(const WebAddress& address, Clock::time_point end) {
  if (!trust_) trust_ = Transport::trust_in("");
  Transport::Way way{trust_, [this, end](std::string host, std::string port) { return endpoints(std::move(host), std::move(port), end); },
                     end};
  return Transport(io_.get_executor(), address.server, std::move(way));
}

asio::awaitable<std::vector<asio::ip::tcp::endpoint>> Outbound::endpoints(std::string host, std::string port, Clock::time_point end) {
  const auto addresses = co_await lookups_.find(host, end);
  const auto number = number_in(port).value_or(0);
  if (number == 0 || number > 65535) throw InvalidInput(fmt::format("{} is no port", port));
  std::vector<asio::ip::tcp::endpoint> good;
  for (const auto& one : addresses)
    if (guard_.allows(host, one)) good.emplace_back(one, static_cast<unsigned short>(number));
  if (good.empty()) throw Forbidden(fmt::format("{} is no address of the public Internet; --outbound-allow opens others", host));
  co_return good;
}

asio::awaitable<void> Outbound::follow(WebAddress address, Limits limits, Sink sink) {
  std::string late;
  for (int hops = 0; hops <= kMaxRedirects; ++hops) {
    Transport client = transport(address, limits.end);
    Content content(limits.bytes, sink);
    const std::map<std::string, std::string> fields;
    try {
      co_await client.fetch(address.target, fields, content);
    } catch (const Unavailable& fault) {
      if (Clock::now() < limits.end) throw;
      late = fault.what();
    }
    if (!late.empty()) throw Error(ErrorKind::kTimeout, fmt::format("it did not come in time: {}", late));
    if (content.location.empty()) co_return;
    address = address.follow(content.location);
    guard_.check_name(address.server.host);
  }
  throw InvalidInput(fmt::format("it leads on and on: over {} redirects", kMaxRedirects));
}

asio::awaitable<Outbound::Answer> Outbound::deliver(WebAddress address, std::map<std::string, std::string> fields, std::string body,
                                                    Clock::time_point end) {
  Transport client = transport(address, end);
  Verdict verdict;
  co_await client.send(address.target, std::move(fields), std::move(body), verdict);
  co_return verdict.answer;
}

asio::awaitable<void> Outbound::fetch(std::string url, Limits limits, Sink sink) {
  WebAddress address = checked(url);
  start();
  co_await asio::co_spawn(io_, follow(std::move(address), limits, std::move(sink)), asio::use_awaitable);
}

asio::awaitable<Outbound::Answer> Outbound::post(std::string url, std::map<std::string, std::string> fields, std::string body,
                                                 Clock::time_point end) {
  WebAddress address = checked(url);
  start();
  co_return co_await asio::co_spawn(io_, deliver(std::move(address), std::move(fields), std::move(body), end), asio::use_awaitable);
}

}  // namespace darkroom
