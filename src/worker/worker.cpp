#include "worker/worker.hpp"

#include <c10/core/InferenceMode.h>
#include <fcntl.h>
#include <poll.h>
#include <pmmintrin.h>
#include <sys/socket.h>
#include <torch/headeronly/version.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "worker/failure.hpp"
#include "worker/memory.hpp"

namespace darkroom {
namespace {

constexpr const char* kVersion = DARKROOM_VERSION;
/// How long a stopping worker waits for its node; the gateway kills it a second later.
constexpr auto kStopTime = std::chrono::seconds(7);
/// How long there is no job until freed memory goes back to the system.
constexpr auto kIdleTime = std::chrono::seconds(5);
/// How often the outbox is looked at while a job runs.
constexpr int kGatherMs = 1;
constexpr std::size_t kReadBytes = 256u << 10;

std::string hex128(const Hash128& hash) {
  std::string bytes(reinterpret_cast<const char*>(&hash), sizeof hash);
  return to_hex(bytes);
}

}  // namespace

Worker::Worker(int fd, Registry& registry, Device device, LoadPacks load_packs, int door)
    : fd_(fd),
      registry_(registry),
      load_packs_(std::move(load_packs)),
      door_(door),
      device_(std::move(device)),
      executor_(registry),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Worker::~Worker() {
  if (execution_.joinable()) execution_.join();
}

int Worker::run() {
  if (!load_packs_) say_hello();
  execution_ = std::thread([this] { execute_tasks(); });
  try {
    serve();
  } catch (const std::exception& error) {
    log::error("the link to the gateway broke: {}", error.what());
  }
  outbox_.close();
  interrupt_ = true;
  {
    const std::scoped_lock lock(mutex_);
    tasks_.clear();
    closing_ = true;
  }
  wake_.notify_all();
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  while (!executed_all_ && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return 0;
}

void Worker::say_hello() {
  json::array schemas = registry_.schemas().to_wire();
  const std::string build = std::string(kVersion) + "-" + hex128(hash128(dump(json::value(schemas))));
  json::object device{
      {"name", device_.name}, {"type", device_.gpu ? "cuda" : "cpu"}, {"index", device_.gpu ? json::value(*device_.gpu) : json::value()}};
  json::object hello{{"version", kVersion},
                     {"build", build},
                     {"pid", static_cast<std::int64_t>(::getpid())},
                     {"device", std::move(device)},
                     {"pytorch_version", TORCH_VERSION}};
  for (auto& [key, value] : about_packs_) hello[key] = std::move(value);
  outbox_.send(Record{"hello", std::move(hello), {}});
  outbox_.send(Record{"schemas", {{"schemas", std::move(schemas)}}, {}});
}

/// Until the socket closes, or everything is said after a stop.
void Worker::serve() {
  for (;;) {
    const bool had_all = executed_all_;
    bool wrote = false, due = false;
    if (!write_records(wrote, due)) return;
    // A job was handed over, or its events come: more will follow. Its end, or silence: to be woken by the next one.
    if (wrote) gathering_ = !due;
    const bool unwritten = written_ < unwritten_.size();
    if (stopping_ && had_all && !unwritten) return;
    if (stopping_ && Clock::now() > stop_deadline_) {
      // The node does not end. Its job goes back, and the process with it.
      log::warn("the running node did not end within the time of a stop");
      {
        const std::scoped_lock lock(mutex_);
        if (!running_.empty()) outbox_.send(Record{"handed_back", {{"job", running_}, {"attempt", running_attempt_}}, {}});
      }
      while (write_records(wrote, due) && written_ < unwritten_.size()) {
        pollfd ready{fd_, POLLOUT, 0};
        ::poll(&ready, 1, 100);
      }
      return;
    }
    pollfd ready[2] = {{fd_, static_cast<short>(POLLIN | (unwritten ? POLLOUT : 0)), 0}, {outbox_.wake_fd(), POLLIN, 0}};
    if (!outbox_.gather(gathering_) && !unwritten) continue;
    const int timeout = stopping_ ? 50 : gathering_ ? kGatherMs : -1;
    const int count = ::poll(ready, 2, timeout);
    if (count < 0 && errno != EINTR) throw InternalError(std::string("poll: ") + std::strerror(errno));
    if (count == 0) gathering_ = false;
    if (ready[1].revents) outbox_.clear_wake();
    if (ready[0].revents & (POLLIN | POLLHUP | POLLERR))
      if (!read_records()) return;
  }
}

bool Worker::read_records() {
  const ssize_t got = ::recv(fd_, read_buffer_.get(), kReadBytes, 0);
  if (got == 0) return false;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  reader_.feed({read_buffer_.get(), static_cast<std::size_t>(got)});
  while (auto record = reader_.next()) handle(std::move(*record));
  return true;
}

bool Worker::write_records(bool& wrote, bool& due) {
  for (;;) {
    if (written_ == unwritten_.size()) {
      unwritten_ = outbox_.take(&due);
      written_ = 0;
      if (unwritten_.empty()) {
        if (wrote) ++written_out_;
        return true;
      }
      wrote = true;
    }
    const ssize_t put = ::send(fd_, unwritten_.data() + written_, unwritten_.size() - written_, MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR;
    written_ += static_cast<std::size_t>(put);
  }
}

void Worker::handle(Record record) {
  try {
    if (record.kind == "run") accept(record.data);
    else if (record.kind == "cancel") cancel(string_or(record.data, "job", ""));
    else if (record.kind == "ping") outbox_.send(Record{"pong", memory_figures(device_.gpu), {}});
    else if (record.kind == "ask") answer(std::move(record.data));
    else if (record.kind == "configure") configure(record.data);
    else if (record.kind == "classes") change_classes(record.data);
    else if (record.kind == "reply") take_reply(record.data);
    else if (record.kind == "free")
      post([this, models = bool_or(record.data, "unload_models", false), memory = bool_or(record.data, "free_memory", false)] {
        executor_.free(models, memory);
        give_memory_back();
      });
    else if (record.kind == "stop") begin_stop();
    else log::warn("the gateway sent a record of the unknown kind {}", record.kind);
  } catch (const std::exception& error) {
    log::error("record {}: {}", record.kind, error.what());
  }
}

void Worker::configure(const json::object& data) {
  log::setup("worker", string_or(data, "verbose", "INFO"));
  ExecutorSettings settings;
  if (const auto* folders = find_object(data, "folders")) settings.folders = Folders::from_json(*folders);
  settings.device = with_precision(device_, string_or(data, "precision", "auto"));
  settings.disable_metadata = bool_or(data, "disable_metadata", false);
  settings.preview_method = string_or(data, "preview_method", "none");
  settings.preview_size = static_cast<int>(int_or(data, "preview_size", 512));
  settings.memory_limit = static_cast<std::size_t>(int_or(data, "ram", 0));
  if (const auto* server = find_object(data, "server"); server && server_.empty()) server_ = *server;
  const CacheMode mode = cache_mode(string_or(data, "cache", "classic"));
  const auto limit = static_cast<std::size_t>(int_or(data, "cache_size", 0));
  post([this, settings = std::move(settings), mode, limit]() mutable {
    const Folders folders = settings.folders;
    executor_.configure(std::move(settings), mode, limit);
    if (load_packs_) load_packs(folders);
  });
}

void Worker::load_packs(const Folders& folders) {
  try {
    std::exchange(load_packs_, {})(registry_, folders, *this);
  } catch (const std::exception& error) {
    log::error("the packs of nodes can't be loaded: {}", error.what());
  }
  say_hello();
}

void Worker::accept(const json::object& data) {
  const auto* wire = find_object(data, "job");
  if (!wire) throw InvalidInput("no job in it");
  try {
    post([this, job = std::make_shared<const Job>(Job::from_json(*wire))] { run_job(*job); });
    gathering_ = true;
  } catch (...) {
    const std::string id = string_or(*wire, "id", "");
    const int attempt = static_cast<int>(int_or(*wire, "attempt", 0));
    outbox_.send(id, attempt, JobStarted{now_ms()});
    fail(id, attempt, std::current_exception());
  }
}

/// The end of a job that could not even be begun, or failed where no node is to blame: whoever waits for it must hear of it.
void Worker::fail(const std::string& job, int attempt, const std::exception_ptr& fault) {
  const Failure failure = describe_failure(fault);
  log::error("job {}: {}", job, failure.message);
  JobFailed event;
  event.timestamp = now_ms();
  event.error = {{"node_id", ""}, {"node_type", ""}, {"executed", json::array{}}, {"exception_message", failure.message},
                 {"exception_type", failure.type}, {"traceback", json::array{}}, {"current_inputs", json::object{}}, {"current_outputs", json::array{}}};
  outbox_.send(job, attempt, std::move(event));
}

void Worker::cancel(const std::string& job) {
  const std::scoped_lock lock(mutex_);
  if (job == running_) {
    running_cancelled_ = true;
    interrupt_ = true;
  } else {
    cancelled_.insert(job);
  }
}

void Worker::begin_stop() {
  if (stopping_.exchange(true)) return;
  stop_deadline_ = Clock::now() + kStopTime;
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    if (!running_.empty()) interrupt_ = true;
  }
  wake_.notify_all();
}

void Worker::post(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_all();
}

void Worker::execute_tasks() {
  const c10::InferenceMode no_gradients;
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
  bool has_worked = false;
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      const auto is_due = [&] { return closing_ || !tasks_.empty(); };
      if (std::exchange(has_worked, false) && !wake_.wait_for(lock, kIdleTime, is_due)) {
        lock.unlock();
        give_memory_back();  // what jobs in a row use again and again is for nobody now
        lock.lock();
      }
      wake_.wait(lock, is_due);
      if (tasks_.empty()) break;
      has_worked = true;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    try {
      task();
    } catch (const std::exception& error) {
      log::error("a task of the worker failed: {}", error.what());
    }
  }
  executed_all_ = true;
  outbox_.wake();
}

void Worker::run_job(const Job& job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return hand_back(job);
    running_ = job.id;
    running_attempt_ = job.attempt;
    running_cancelled_ = cancelled_.erase(job.id) > 0;
    interrupt_ = running_cancelled_;
    shown_ = {job.client_id, job.id, ""};
  }
  const bool shown = job.has_client && registry_.prompt_hook;  // to packs
  const EventSink tell = [&](JobEvent event) {
    if (const auto* started = shown ? std::get_if<NodeStarted>(&event) : nullptr) {
      const std::scoped_lock lock(mutex_);
      shown_.node = started->ids.display;
    }
    if (std::holds_alternative<JobInterrupted>(event) && stopping_) {
      const std::scoped_lock lock(mutex_);
      if (!running_cancelled_) return hand_back(job);
    }
    outbox_.send(job.id, job.attempt, std::move(event));
  };
  try {
    executor_.run(job, tell, interrupt_);
  } catch (...) {  // not even the report of a failure could be made
    fail(job.id, job.attempt, std::current_exception());
  }
  const std::scoped_lock lock(mutex_);
  running_.clear();
  interrupt_ = false;  // nobody reads it but who asks what is the matter with the running job
  shown_.node.clear();
  if (tasks_.empty()) cancelled_.clear();  // what came too late for its job
}

void Worker::hand_back(const Job& job) { outbox_.send(Record{"handed_back", {{"job", job.id}, {"attempt", job.attempt}}, {}}); }

}  // namespace darkroom
