#include "worker/outbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"
#include "base/log.hpp"

namespace darkroom {
namespace {

/// Queued picture bytes over which a sender waits for the gateway.
constexpr std::size_t kMaxQueuedBytes = 64u << 20;

std::size_t bulk(const JobEvent& event) {
  if (const auto* progress = std::get_if<NodeProgress>(&event)) return progress->picture.size();
  if (const auto* binary = std::get_if<BinarySent>(&event)) return binary->bytes.size();
  return 0;
}

std::string encode_event(const std::string& job, int attempt, JobEvent event) {
  try {
    return encode(event_record(job, attempt, event));
  } catch (const Error& error) {
    log::error("an event of job {} can't be sent: {}", job, error.what());
    // The end of a job must arrive; its inputs are what can be too much.
    auto* failed = std::get_if<JobFailed>(&event);
    if (!failed) return {};
    failed->error["current_inputs"] = json::object{};
    return encode(event_record(job, attempt, event));
  }
}

}  // namespace

Outbox::Outbox() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_fd_ < 0) throw InternalError(std::string("eventfd: ") + std::strerror(errno));
}

Outbox::~Outbox() { ::close(wake_fd_); }

void Outbox::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void Outbox::push(Item item, std::size_t bytes) {
  bool first;
  {
    const std::scoped_lock lock(mutex_);
    first = items_.empty();
    bytes_ += bytes;
    items_.push_back(std::move(item));
  }
  if (first) wake();
}

void Outbox::send(Record record) { push(std::move(record), 0); }

void Outbox::send(const std::string& job, int attempt, JobEvent event) {
  const std::size_t bytes = bulk(event);
  if (bytes > 0) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || bytes_ < kMaxQueuedBytes; });
  }
  push(Event{job, attempt, std::move(event)}, bytes);
}

std::string Outbox::take() {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
  std::vector<Item> items;
  {
    const std::scoped_lock lock(mutex_);
    items.swap(items_);
    bytes_ = 0;
  }
  room_.notify_all();
  std::string out;
  for (auto& item : items) {
    if (auto* event = std::get_if<Event>(&item)) out += encode_event(event->job, event->attempt, std::move(event->event));
    else out += encode(std::get<Record>(item));
  }
  return out;
}

void Outbox::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
}

}  // namespace darkroom
