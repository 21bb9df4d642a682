#include "cli/restore_batch.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/part_file.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using State = PhotoOutcome::State;

/// Puts a result in place in one step, on disk before it has its name: what is there is whole, whatever ends this program or machine.
void put_in_place(const fs::path& target, std::string_view bytes, bool overwrite) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : ".";
  try {
    fs::create_directories(folder);
    PartFile part(folder);
    part.write(bytes);
    if (overwrite) part.replace(target, true);
    else if (!part.place(target, true)) throw PhotoFailure("not_written", target.string() + " has come there meanwhile");
  } catch (const fs::filesystem_error& fault) {
    throw PhotoFailure("not_written", fmt::format("the folder {} can't be made: {}", folder.string(), fault.code().message()));
  } catch (const Error& fault) {
    throw PhotoFailure("not_written", fmt::format("{} can't be written: {}", target.string(), fault.what()));
  }
}

class Batch {
 public:
  Batch(const std::vector<RestoreTask>& tasks, bool overwrite, RestoreView& view, const TellOutcome& tell)
      : tasks_(tasks), overwrite_(overwrite), view_(view), tell_(tell), signals_(io_, SIGINT, SIGTERM) {}

  BatchEnd run(const MakeRestorer& make_restorer) {
    std::size_t wanted = 0;
    for (const RestoreTask& task : tasks_)
      if (task.fate == Fate::kRestore) ++wanted;
      else tell_left_alone(task);
    if (wanted > 0) restore(make_restorer, wanted);
    if (end_.status == RunStatus::kDone && failed_) end_.status = RunStatus::kExecution;
    return end_;
  }

 private:
  void tell_left_alone(const RestoreTask& task) {
    const bool is_done = task.fate == Fate::kDone;
    failed_ = failed_ || !is_done;
    tell_({.state = is_done ? State::kDoneBefore : State::kFailed,
           .photo = task.photo.file,
           .result = is_done ? task.target : fs::path(),
           .code = is_done ? "" : "in_the_way",
           .why = task.why});
  }

  void restore(const MakeRestorer& make_restorer, std::size_t wanted) {
    view_.begin(wanted);
    try {
      restorer_ = make_restorer(io_);
    } catch (const RunFailure& failure) {
      end_ = {failure.status, failure.what()};
    }
    if (restorer_) {
      asio::co_spawn(io_, watch_signals(), asio::detached);
      asio::co_spawn(io_, work(), [&](std::exception_ptr fault) { note(fault); });
      io_.run();
      restorer_.reset();
    }
    for (; next_ < tasks_.size(); ++next_)
      if (tasks_[next_].fate == Fate::kRestore)
        tell_({.state = State::kNotDone, .photo = tasks_[next_].photo.file, .result = {}, .code = {}, .why = {}});
  }

  void note(const std::exception_ptr& fault) {
    try {
      if (fault) std::rethrow_exception(fault);
    } catch (const RunFailure& failure) {
      end_ = {failure.status, failure.what()};
    } catch (const std::exception& error) {
      end_ = {RunStatus::kInternal, error.what()};
    }
    asio::co_spawn(io_, shut_down(), asio::detached);
  }

  asio::awaitable<void> shut_down() {
    co_await restorer_->stop();
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    io_.stop();
  }

  asio::awaitable<void> work() {
    co_await restorer_->start();
    for (; next_ < tasks_.size(); ++next_)
      if (tasks_[next_].fate == Fate::kRestore) co_await one(tasks_[next_]);
  }

  asio::awaitable<void> one(const RestoreTask& task) {
    const std::int64_t begun = steady_ms();
    PhotoOutcome outcome{.photo = task.photo.file, .result = {}, .code = {}, .why = {}, .was_begun = true};
    view_.started(task.photo.file.string());
    try {
      const std::string result =
          co_await restorer_->restore(task.photo.file, [this](const PhotoProgress& progress) { view_.progress(progress); });
      put_in_place(task.target, result, overwrite_);
      outcome.result = task.target;
    } catch (const PhotoFailure& failure) {
      outcome.state = State::kFailed;
      outcome.code = failure.code;
      outcome.why = failure.what();
      failed_ = true;
    }
    outcome.seconds = static_cast<double>(steady_ms() - begun) / 1000;
    if (outcome.state == State::kFailed) view_.ended(" failed: " + outcome.why);
    else view_.ended(fmt::format(" -> {}  {:.1f} s", task.target.string(), outcome.seconds));
    tell_(outcome);
  }

  asio::awaitable<void> watch_signals() {
    boost::system::error_code fault;
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
    view_.say("stopping; once more to stop at once");
    restorer_->interrupt();
    co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
    view_.clear();
    restorer_->kill();
  }

  const std::vector<RestoreTask>& tasks_;
  const bool overwrite_;
  RestoreView& view_;
  const TellOutcome& tell_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  std::unique_ptr<Restorer> restorer_;
  std::size_t next_ = 0;  ///< the task at work
  bool failed_ = false;
  BatchEnd end_;
};

}  // namespace

BatchEnd restore_all(const std::vector<RestoreTask>& tasks, bool overwrite, const MakeRestorer& make_restorer, RestoreView& view,
                     const TellOutcome& tell) {
  return Batch(tasks, overwrite, view, tell).run(make_restorer);
}

}  // namespace darkroom
