#include "worker/outbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"

namespace darkroom {
namespace {

/// Limit: pictures that a worker has not sent yet, bytes. Beyond: its nodes wait until the gateway has read. Fixed: bounds the memory of a
/// worker. Edge: Outbox.SendersWaitOverTheLimit.
constexpr std::size_t kMaxQueuedBytes = 64u << 20;

std::size_t bulk(const JobEvent& event) {
  if (const auto* progress = std::get_if<NodeProgress>(&event)) return progress->picture.size();
  if (const auto* binary = std::get_if<BinarySent>(&event)) return binary->bytes.size();
  return 0;
}

bool ends_a_job(const JobEvent& event) {
  return std::holds_alternative<JobSucceeded>(event) || std::holds_alternative<JobFailed>(event) || std::holds_alternative<JobInterrupted>(event);
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

/// A message of a pack that is too long is lost; the link stays.
std::string encode_record(const Record& record) {
  try {
    return encode(record);
  } catch (const TooLarge& error) {
    log::error("a record can't be sent: {}", error.what());
    return {};
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

void Outbox::clear_wake() {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
}

void Outbox::push(Item item, std::size_t bytes, bool at_once) {
  bool waits;
  {
    const std::scoped_lock lock(mutex_);
    bytes_ += bytes;
    items_.push_back(std::move(item));
    const bool first = items_.size() == 1;
    waits = at_once ? std::exchange(due_, true) : gathering_ || !first;
  }
  if (!waits) wake();
}

bool Outbox::gather(bool on) {
  const std::scoped_lock lock(mutex_);
  gathering_ = on;
  return items_.empty() || (on && !due_);
}

void Outbox::wait_for_room(std::size_t bytes) {
  if (bytes == 0) return;
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closed_ || bytes_ < kMaxQueuedBytes; });
}

void Outbox::send(Record record) {
  const std::size_t bytes = record.bytes.size();
  wait_for_room(bytes);
  push(std::move(record), bytes, true);
}

void Outbox::send(const std::string& job, int attempt, JobEvent event) {
  const std::size_t bytes = bulk(event);
  wait_for_room(bytes);
  const bool at_once = ends_a_job(event);
  push(Event{job, attempt, std::move(event)}, bytes, at_once);
}

std::string Outbox::take(bool* due) {
  std::vector<Item> items;
  {
    const std::scoped_lock lock(mutex_);
    if (items_.empty()) return {};
    items.swap(items_);
    bytes_ = 0;
    const bool was_due = std::exchange(due_, false);
    if (due) *due |= was_due;
  }
  room_.notify_all();
  std::string out;
  for (auto& item : items) {
    if (auto* event = std::get_if<Event>(&item)) out += encode_event(event->job, event->attempt, std::move(event->event));
    else out += encode_record(std::get<Record>(item));
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
