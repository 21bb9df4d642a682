#include "gateway/job_watch.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

asio::awaitable<void> WatchedJob::news(std::chrono::milliseconds at_most) {
  wake_.expires_after(at_most);
  boost::system::error_code ignored;
  co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void WatchedJob::hear(const Record& record) {
  if (string_or(record.data, "job", "") != id_ || string_or(record.data, "owner", kLocalUser) != owner_) return;
  JobEvent event;
  try {
    event = event_of(record);
  } catch (const Error& fault) {
    log::error("job {}: {}", id_, fault.what());
    return;
  }
  if (const auto* progress = std::get_if<NodeProgress>(&event); progress && !progress->picture.empty()) {
    preview = progress->picture;
    const double all = progress->max.is_number() ? progress->max.to_number<double>() : 0;
    preview_part = all > 0 && progress->value.is_number() ? progress->value.to_number<double>() / all : 0;
    wake_.cancel();
  }
  if (std::holds_alternative<JobSucceeded>(event) || std::holds_alternative<JobFailed>(event) ||
      std::holds_alternative<JobInterrupted>(event))
    said_its_end = true;  // written next, and then the queue changes
}

void WatchedJob::queue_changed() {
  if (said_its_end) wake_.cancel();
}

JobWatch::JobWatch(asio::any_io_executor io, Broker& broker) : io_(std::move(io)) {
  subscription_ = broker.subscribe([jobs = jobs_](const Record& record) {
    for (const auto& one : *jobs)
      if (const auto job = one.lock()) job->hear(record);
  });
  broker.on_change([weak = std::weak_ptr(jobs_)] {
    const auto jobs = weak.lock();
    if (!jobs) return;
    for (const auto& one : *jobs)
      if (const auto job = one.lock()) job->queue_changed();
  });
}

std::shared_ptr<WatchedJob> JobWatch::follow(std::string owner, std::string id) {
  std::erase_if(*jobs_, [](const auto& job) { return job.expired(); });
  auto job = std::make_shared<WatchedJob>(io_, std::move(owner), std::move(id));
  jobs_->push_back(job);
  return job;
}

}  // namespace darkroom
