#include "load/client.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/error.hpp"

namespace darkroom::load {
namespace {

using tcp = asio::ip::tcp;

constexpr int kText = 1, kClose = 8, kPing = 9;

int number(Step step) { return static_cast<int>(step); }

}  // namespace

asio::awaitable<void> Client::open() {
  socket_ = co_await dial(shared_.io, shared_.server);
  const std::string hello = fmt::format(
      "GET /ws?clientId={} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      id_, shared_.server.address().to_string(), shared_.server.port());
  co_await asio::async_write(socket_, asio::buffer(hello), asio::use_awaitable);
  std::string reply;
  std::size_t end = reply.npos;
  while (end == reply.npos) {
    const std::size_t got = co_await receive(socket_, reply);
    if (got == 0) throw Unavailable("no WebSocket: the connection ended");
    end = reply.find("\r\n\r\n");
  }
  if (!reply.starts_with("HTTP/1.1 101")) throw Unavailable("no WebSocket: " + reply.substr(0, reply.find('\r')));
  received(std::string_view(reply).substr(end + 4));
  asio::co_spawn(shared_.io, listen(), asio::detached);
  co_await request("GET", "/prompt", "");  // a thousand first connections at once would overflow what a server lets wait
}

asio::awaitable<void> Client::listen() {
  boost::system::error_code fault;
  for (;;) {
    co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, fault));
    const std::size_t got = fault ? 0 : socket_.read_some(asio::buffer(shared_.scratch), fault);
    if (fault == asio::error::would_block) continue;
    if (fault) break;
    received({shared_.scratch.data(), got});
  }
  shared_.faults.add(Faults::kUnexpected, "the end of a WebSocket");
}

void Client::received(std::string_view bytes) {
  try {
    frames_.read(bytes, [this](int opcode, std::string_view payload) {
      if (opcode == kText) return heard(message_of(payload));
      if (opcode == kPing && payload.empty()) {
        const std::string_view pong("\x8a\x80\0\0\0\0", 6);
        boost::system::error_code ignored;
        socket_.write_some(asio::buffer(pong), ignored);
      } else if (opcode != kClose) {
        shared_.faults.add(Faults::kUnexpected, fmt::format("a frame of kind {}", opcode));
      }
    });
  } catch (const std::exception& fault) {
    shared_.faults.add(Faults::kUnexpected, fault.what());
  }
}

void Client::heard(const Message& message) {
  if (message.kind == Message::Kind::kStatus) return heard_status(message.queue_remaining);
  const auto found = running_.find(message.prompt_id);
  if (message.kind == Message::Kind::kOther || found == running_.end())
    return shared_.faults.add(Faults::kUnexpected,
                              "a message of none of the client's jobs, or of an unknown kind: job " + message.prompt_id);
  Waiting& waiting = *found->second;
  if (message.kind == Message::Kind::kStep) heard_step(waiting, message.step);
  else if (waiting.job.next == Step::kStart || waiting.job.next == Step::kDone)
    shared_.faults.add(Faults::kOutOfOrder, "progress_state before the start or after the end of " + waiting.job.id);
}

void Client::heard_status(std::int64_t count) {
  ++shared_.statuses;
  last_status_ = count;
  shared_.truth.heard(Clock::now(), count);
  for (auto& [id, waiting] : running_)
    if (waiting->job.next == Step::kStatus) waiting->job.next = Step::kEnd;
}

void Client::heard_step(Waiting& waiting, Step step) {
  Job& job = waiting.job;
  if (step < job.next)
    return shared_.faults.add(Faults::kOutOfOrder, fmt::format("step {} of {} after step {}", number(step), job.id, number(job.next) - 1));
  if (step > job.next)
    shared_.faults.add(Faults::kLost, fmt::format("steps {} to {} of {}", number(job.next), number(step) - 1, job.id),
                       number(step) - number(job.next));
  job.next = static_cast<Step>(number(step) + 1);
  if (step == Step::kSuccess) job.ended = Clock::now();
  if (step == Step::kEnd) {
    job.told = Clock::now();
    if (last_status_ > shared_.most_others)
      shared_.faults.add(Faults::kUntrueStatus, fmt::format("{} jobs are said to be left after {}", last_status_, job.id));
    waiting.end.cancel();
  }
}

asio::awaitable<void> Client::run(Job& job) {
  std::string fault;
  try {
    co_await answer(job);
  } catch (const std::exception& error) {
    fault = error.what();
  }
  running_.erase(job.id);
  if (!fault.empty()) shared_.faults.add(Faults::kFailedRequest, fault);
}

asio::awaitable<void> Client::answer(Job& job) {
  Waiting waiting{job, asio::steady_timer(shared_.io, Clock::time_point::max())};
  running_.emplace(job.id, &waiting);
  job.posted = Clock::now();
  co_await request("POST", "/prompt", job.body(id_));
  job.accepted = Clock::now();
  boost::system::error_code woken;
  if (job.next != Step::kDone) co_await waiting.end.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  const std::string history = co_await request("GET", "/history/" + job.id, "");
  job.answered = Clock::now();
  if (!job.has_result(history)) shared_.faults.add(Faults::kWrongResult, history.substr(0, 200));
}

asio::awaitable<std::string> Client::request(std::string method, std::string target, std::string body) {
  std::unique_ptr<HttpConnection> connection;
  if (idle_.empty()) {
    connection = std::make_unique<HttpConnection>(shared_.io, shared_.server);
  } else {
    connection = std::move(idle_.back());
    idle_.pop_back();
  }
  std::string reply = co_await connection->request(std::move(method), std::move(target), std::move(body));
  idle_.push_back(std::move(connection));
  co_return reply;
}

}  // namespace darkroom::load
