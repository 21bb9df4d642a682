#pragma once
// A job desk with a real broker, and workers and sockets that only write down what they are told.

#include "gateway/job_desk.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <filesystem>

#include "base/text.hpp"
#include "broker/sqlite_broker.hpp"
#include "gateway/hub.hpp"
#include "gateway/running_job.hpp"

namespace darkroom {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A socket that keeps what it gets, in short words: "status 1", "executing 4", "binary 1".
class FakeSession final : public HubSession {
 public:
  FakeSession(Hub& hub, std::string id, bool metadata = false) : hub_(hub), id_(std::move(id)), metadata_(metadata) { hub_.connect(*this); }
  ~FakeSession() override { hub_.disconnect(*this); }
  void send(const Frame& frame) override {
    frames.push_back(frame);
    words.push_back(word(frame));
    if (on_word) on_word(words.back());
  }
  const std::string& client_id() const override { return id_; }
  bool supports_preview_metadata() const override { return metadata_; }
  void close(std::uint16_t) override {}

  static std::string word(const Frame& frame) {
    if (frame.binary) return "binary " + std::to_string((*frame.payload)[3]);
    const json::object message = parse_json(*frame.payload).as_object();
    const std::string type = string_or(message, "type", "");
    if (type != "status" && type != "executing") return type;
    const json::object& data = message.at("data").as_object();
    if (type == "status") return "status " + std::to_string(data.at("status").at("exec_info").at("queue_remaining").as_int64());
    return "executing " + (data.at("node").is_null() ? "null" : std::string(data.at("node").as_string()));
  }
  json::object last(std::string_view type) const {
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if (frame->binary) continue;
      const json::object message = parse_json(*frame->payload).as_object();
      if (string_or(message, "type", "") == type) return message.at("data").as_object();
    }
    return {};
  }
  std::size_t count(std::string_view wanted) const { return static_cast<std::size_t>(std::count(words.begin(), words.end(), wanted)); }

  std::deque<Frame> frames;
  std::vector<std::string> words;
  std::function<void(const std::string&)> on_word;

 private:
  Hub& hub_;
  std::string id_;
  bool metadata_;
};

class FakeWorker final : public WorkerHandle {
 public:
  explicit FakeWorker(int number) : number_(number) {}
  int id() const override { return number_; }
  void send(const Record& record) override { got.push_back(record); }
  void kill(LostReason reason) override { killed = reason; }
  const json::object& device() const override { return nothing_; }
  const json::object& hello() const override { return nothing_; }

  /// The jobs that it was told to run.
  std::vector<Job> jobs() const {
    std::vector<Job> list;
    for (const auto& record : got)
      if (record.kind == "run") list.push_back(Job::from_json(record.data.at("job").as_object()));
    return list;
  }
  std::size_t count(std::string_view kind) const {
    return static_cast<std::size_t>(std::count_if(got.begin(), got.end(), [&](const Record& record) { return record.kind == kind; }));
  }

  std::vector<Record> got;
  std::optional<LostReason> killed;

 private:
  int number_;
  json::object nothing_;
};

class JobDeskTest : public testing::Test {
 protected:
  JobDeskTest() : folder_(fs::temp_directory_path() / ("darkroom-desk-" + random_hex(12))), broker_(folder_ / "d.sqlite", {}) {
    fs::create_directories(folder_);
    open({.reply = 10s, .grace = 60ms, .tick = 10ms});
  }
  ~JobDeskTest() override {
    desk_.reset();
    fs::remove_all(folder_);
  }

  void open(JobDesk::Times times) {
    desk_ = std::make_unique<JobDesk>(io_.get_executor(), broker_, hub_, [this](WorkerListener given) { listener_ = std::move(given); }, times);
    run(desk_->start());
  }

  template <class T>
  T run(asio::awaitable<T> work) {
    io_.restart();
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one_for(1s);
    return future.get();
  }
  void pump(std::chrono::milliseconds time = 20ms) {
    io_.restart();
    io_.run_for(time);
  }
  template <class Condition>
  bool until(Condition condition) {
    for (int i = 0; i < 300 && !condition(); ++i) pump(10ms);
    return condition();
  }

  Job job(const std::string& id, const std::string& client = "a") {
    Job made;
    made.id = id;
    made.number = desk_->next_number();
    made.client_id = client;
    made.has_client = !client.empty();
    made.prompt = {{"1", json::object{{"class_type", "A"}, {"inputs", json::object{}}}}, {"2", json::object{{"class_type", "B"}}}};
    made.outputs = {"2"};
    made.create_time = now_ms();
    return made;
  }
  void submit(const std::string& id, const std::string& client = "a") {
    run(desk_->submit(job(id, client)));
    desk_->when_replied(id)(true);
    pump();
  }
  void event(FakeWorker& worker, const JobEvent& what, const std::string& id = "j", int attempt = 1) {
    listener_.record(worker, event_record(id, attempt, what));
  }
  void lose(FakeWorker& worker, LostReason reason) {
    listener_.lost(worker, reason);
    pump();
  }
  json::object history(const std::string& id) {
    return parse_json(*run(desk_->history_json_of("local", id))).as_object();
  }

  fs::path folder_;
  asio::io_context io_;
  Hub hub_;
  SqliteBroker broker_;
  WorkerListener listener_;
  std::unique_ptr<JobDesk> desk_;
};

using Words = std::vector<std::string>;

}  // namespace darkroom
