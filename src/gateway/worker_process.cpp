#include "gateway/worker_process.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr auto kLastWords = std::chrono::milliseconds(200);  ///< for records that a process wrote before it ended

}  // namespace

WorkerProcess::WorkerProcess(asio::any_io_executor io, int id, const std::string& program, std::optional<int> gpu, std::uint64_t ram_limit,
                             const WorkerTimes& times, Events events)
    : id_(id),
      gpu_(gpu),
      times_(times),
      events_(std::move(events)),
      child_(spawn_with_socket(program, gpu ? std::vector{std::string("--gpu"), std::to_string(*gpu)} : std::vector<std::string>(),
                               Door::kOpen)),
      memory_(child_.pid),
      socket_(io, asio::local::stream_protocol(), child_.socket),
      door_(child_.door),
      ended_(io, child_.pid_fd),
      timer_(io),
      started_(steady_ms()),
      heard_(started_),
      ram_limit_(ram_limit) {}

WorkerProcess::~WorkerProcess() { ::close(door_); }

void WorkerProcess::run() {
  const auto self = shared_from_this();
  const auto io = socket_.get_executor();
  asio::co_spawn(io, [self] { return self->read(); }, asio::detached);
  asio::co_spawn(io, [self] { return self->watch(); }, asio::detached);
  asio::co_spawn(io, [self] { return self->wait_for_end(); }, asio::detached);
}

void WorkerProcess::send(const Record& record) {
  if (gone_ || closed_) return;
  out_ += encode(record);
  if (!busy_) write();
}

void WorkerProcess::write() {
  // Nearly always the socket takes it at once.
  const ssize_t sent = ::send(socket_.native_handle(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(out_.size())) {
    out_.clear();
    return;
  }
  writing_ = sent > 0 ? out_.substr(static_cast<std::size_t>(sent)) : std::move(out_);
  out_.clear();
  busy_ = true;
  asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](const boost::system::error_code& fault, std::size_t) {
    self->busy_ = false;
    std::string().swap(self->writing_);
    if (!fault && !self->out_.empty()) self->write();
  });
}

bool WorkerProcess::pass_on(int fd) {
  if (gone_ || closed_) return false;
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(door_, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

void WorkerProcess::kill(LostReason reason) {
  if (gone_) return;
  if (!reason_ || *reason_ == LostReason::kStopped) reason_ = reason;
  ::kill(child_.pid, SIGKILL);
}

asio::awaitable<void> WorkerProcess::read() {
  const auto self = shared_from_this();
  RecordReader reader;
  std::string bytes(kReadBytes, '\0');
  boost::system::error_code fault;
  for (;;) {
    const std::size_t got = co_await socket_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    if (fault) break;
    heard_ = steady_ms();
    try {
      reader.feed(std::string_view(bytes).substr(0, got));
      while (auto record = reader.next()) handle(std::move(*record));
    } catch (const std::exception& error) {
      log::error("worker {}: its records can't be read: {}", id_, error.what());
      break;
    }
  }
  closed_ = true;
  // A process without its socket is of no use; wait_for_end() reaps it.
  if (!gone_) kill(LostReason::kCrashed);
  timer_.cancel();
}

void WorkerProcess::handle(Record record) {
  if (record.kind == "pong") {
    for (const char* figure : {"vram_total", "vram_free"})
      if (auto* value = record.data.if_contains(figure)) device_[figure] = std::move(*value);
    return;
  }
  if (record.kind == "importing") {
    importing_ = string_or(record.data, "pack", "");
    return;
  }
  if (record.kind == "prompt_hook") {
    hello_["prompt_hook"] = true;
    return;
  }
  if (record.kind == "hello") {
    hello_ = std::move(record.data);
    importing_.clear();
    if (const auto* device = find_object(hello_, "device")) device_ = *device;
    return;
  }
  const bool schemas = record.kind == "schemas";
  try {
    events_.record(*this, std::move(record));
  } catch (const std::exception& error) {
    if (schemas) throw;  // a worker whose nodes can't be understood is of no use
    log::error("worker {}: a record could not be dealt with: {}", id_, error.what());
  }
  if (schemas && !ready_) {
    ready_ = true;
    events_.ready(*this);
  }
}

asio::awaitable<void> WorkerProcess::watch() {
  const auto self = shared_from_this();
  asio::steady_timer tick(socket_.get_executor());
  std::int64_t pinged = 0;
  while (!gone_) {
    tick.expires_after(std::chrono::milliseconds(kMemoryCheckMs));
    boost::system::error_code fault;
    co_await tick.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault || gone_) break;
    const std::int64_t now = steady_ms();
    if (const auto resident = memory_.bytes(); ram_limit_ > 0 && resident > ram_limit_) {
      log::warn("worker {} uses {} MiB, more than its limit of {} MiB (--ram): it is replaced", id_, resident >> 20, ram_limit_ >> 20);
      kill(LostReason::kMemory);
      break;
    }
    if (now - heard_ > (ready_ ? times_.silent : times_.start)) {
      log::warn("worker {} has been silent for {} s: it is replaced", id_, (now - heard_) / 1000);
      kill(LostReason::kSilent);
      break;
    }
    if (ready_ && now - pinged >= kPingMs) {
      pinged = now;
      send(Record{"ping", {}, {}});
    }
  }
}

asio::awaitable<void> WorkerProcess::wait_for_end() {
  const auto self = shared_from_this();
  boost::system::error_code fault;
  co_await ended_.async_wait(asio::posix::descriptor_base::wait_read, asio::redirect_error(asio::use_awaitable, fault));
  const ExitStatus status = reap(child_.pid);
  // What it wrote before its end still counts: a last event may be the job's.
  if (!closed_) {
    timer_.expires_after(kLastWords);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
  }
  gone_ = true;
  socket_.close(fault);
  ended_.close(fault);
  events_.gone(*this, reason_.value_or(LostReason::kCrashed), status);
}

}  // namespace darkroom
