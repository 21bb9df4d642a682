// The pool with processes of its own: this program started again as a worker that behaves well, crashes, is silent, eats memory.

#include "gateway/worker_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/machine.hpp"
#include "gateway/options.hpp"
#include "gateway/schema_store.hpp"
#include "storage/folders.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

/// Where workers that can not start leave a byte each.
constexpr const char* kBrokenStarts = "/tmp/darkroom-worker-pool-test/broken-starts";

/// Takes one connection off the door and says a word over it.
void greet_at(int door) {
  char byte;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  int connection = -1;
  for (int i = 0; i < 200 && connection < 0; ++i) {
    if (::recvmsg(door, &message, 0) == 1) std::memcpy(&connection, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof connection);
    else ::usleep(10'000);
  }
  ::send(connection, "hello", 5, MSG_NOSIGNAL);
  ::close(connection);
}

/// Serves the link until it closes. DARKROOM_FAKE_WORKER says how this worker behaves.
int run_fake_worker(int fd, int door) {
  const std::string mode = std::getenv("DARKROOM_FAKE_WORKER") ? std::getenv("DARKROOM_FAKE_WORKER") : "";
  const auto say = [fd](const Record& record) {
    const std::string bytes = encode(record);
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  };
  if (mode == "broken") {
    std::ofstream(kBrokenStarts, std::ios::app) << '.';
    return 3;
  }
  RecordReader reader;
  std::vector<std::string> memory;
  for (;;) {
    char bytes[4096];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return 0;
    reader.feed({bytes, static_cast<std::size_t>(got)});
    while (auto record = reader.next()) {
      if (record->kind == "configure") {
        if (mode == "mute") continue;
        say({"hello", {{"version", "1"}, {"build", "b"}, {"device", json::object{{"name", "cpu"}, {"type", "cpu"}, {"index", nullptr}}}, {"pytorch_version", "2"}}, {}});
        say({"schemas", {{"schemas", json::array{}}}, {}});
      } else if (record->kind == "run") {
        const std::string what = string_or(record->data, "what", "");
        if (what == "crash") ::abort();
        if (what == "say and crash") {
          say({"event", {{"text", "last words"}}, {}});
          ::raise(SIGKILL);
        }
        if (what == "greet") greet_at(door);
        if (what == "hang") ::pause();
        if (what == "nap") ::usleep(700'000);
        if (what == "eat")
          for (;;) memory.emplace_back(8 << 20, 'x');
        say({"event", record->data, record->bytes});
      } else if (record->kind == "ask") {
        json::object answer{{"id", record->data.at("id")}};
        const std::string what = string_or(record->data, "what", "");
        if (what == "late") ::usleep(300'000);
        if (what == "never") continue;
        if (what == "raise")
          answer["error"] = json::object{{"type", "ValueError"}, {"message", "no"}};
        else
          answer["result"] = true;
        say({"answer", std::move(answer), {}});
      } else if (record->kind == "ping") {
        say({"pong", {}, {}});
      } else if (record->kind == "stop") {
        if (mode == "stubborn") continue;  // and goes on answering pings
        say({"handed_back", {{"job", "j"}}, {}});
        return 0;
      }
    }
  }
}

namespace {

class WorkerPoolTest : public testing::Test {
 protected:
  WorkerPoolTest() : folders(Folders::below("/tmp/darkroom-worker-pool-test")) {
    options.worker_program = "/proc/self/exe";
    std::error_code ignored;
    options.worker_program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    ::setenv("DARKROOM_FAKE_WORKER", "", 1);
    std::filesystem::create_directories(std::filesystem::path(kBrokenStarts).parent_path());
    std::filesystem::remove(kBrokenStarts);
  }

  /// Workers that could not start, so far.
  static std::uintmax_t broken_starts() {
    std::error_code none_yet;
    const auto size = std::filesystem::file_size(kBrokenStarts, none_yet);
    return none_yet ? 0 : size;
  }
  WorkerPool& start() {
    pool = std::make_unique<WorkerPool>(io.get_executor(), options, folders, schemas, times);
    pool->listen({[this](WorkerHandle& worker) { ready.push_back(worker.id()); },
                  [this](WorkerHandle&, Record record) { records.push_back(std::move(record)); },
                  [this](WorkerHandle& worker, LostReason reason) { lost.emplace_back(worker.id(), reason); }});
    pool->start();
    return *pool;
  }
  template <class Condition>
  bool run_until(Condition condition, int milliseconds = 10'000) {
    const std::int64_t end = steady_ms() + milliseconds;
    while (!condition() && steady_ms() < end) io.run_one_for(std::chrono::milliseconds(20));
    return condition();
  }
  template <class T>
  T wait(asio::awaitable<T> work, int milliseconds = 12'000) {
    auto future = asio::co_spawn(io, std::move(work), asio::use_future);
    run_until([&] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }, milliseconds);
    return future.get();
  }
  void run_job(const char* what) { pool->workers().front()->send({"run", {{"what", what}}, {}}); }

  WorkerTimes times{.silent = 5'000, .start = 10'000, .ask = 1'000, .stop = 1'000, .longest_pause = 10'000};
  asio::io_context io;
  Options options;
  Folders folders;
  SchemaStore schemas{folders};
  std::unique_ptr<WorkerPool> pool;
  std::vector<int> ready;
  std::vector<Record> records;
  std::vector<std::pair<int, LostReason>> lost;
};

TEST_F(WorkerPoolTest, ConfiguresTalksAsksAndStops) {
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  EXPECT_NE(schemas.current(), nullptr);
  EXPECT_EQ(string_or(pool->workers().front()->hello(), "pytorch_version", ""), "2");
  Record large{"run", {{"what", "echo"}}, std::string(5 << 20, 'b')};  // more than the socket takes at once
  pool->workers().front()->send(large);
  run_job("second");
  ASSERT_TRUE(run_until([&] { return records.size() == 2; }));
  EXPECT_EQ(records[0].bytes.size(), large.bytes.size());
  EXPECT_EQ(string_or(records[1].data, "what", ""), "second") << "in order";
  EXPECT_EQ(wait(pool->ask({{"what", "validate"}})), json::value(true));
  EXPECT_THROW(wait(pool->ask({{"what", "raise"}})), RaisedInValidator);

  auto stopped = asio::co_spawn(io, pool->stop(), asio::use_future);
  ASSERT_TRUE(run_until([&] { return stopped.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }, 2000));
  EXPECT_EQ(records.back().kind, "handed_back") << "the job came back before its worker went";
  EXPECT_THAT(lost, testing::ElementsAre(testing::Pair(1, LostReason::kStopped)));
  EXPECT_TRUE(pool->workers().empty());
}

TEST_F(WorkerPoolTest, ACrashIsToldAndReplacedAtOnce) {
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  const std::int64_t began = steady_ms();
  run_job("say and crash");
  ASSERT_TRUE(run_until([&] { return ready.size() == 2; }));
  EXPECT_LT(steady_ms() - began, 2000);
  EXPECT_THAT(lost, testing::ElementsAre(testing::Pair(1, LostReason::kCrashed)));
  ASSERT_EQ(records.size(), 1u) << "last words count";
  EXPECT_EQ(ready, (std::vector<int>{1, 2}));
}

TEST_F(WorkerPoolTest, AConnectionIsHandedOver) {
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  WorkerHandle* worker = pool->workers().front();
  EXPECT_TRUE(worker->pass_on(pair[1]));
  ::close(pair[1]);
  run_job("greet");
  ASSERT_TRUE(run_until([&] { return records.size() == 1; }));
  char word[8] = {};
  EXPECT_EQ(::read(pair[0], word, sizeof word), 5);
  EXPECT_STREQ(word, "hello");
  EXPECT_EQ(::read(pair[0], word, sizeof word), 0) << "nobody else holds its end";
  ::close(pair[0]);
}

TEST_F(WorkerPoolTest, ASilentWorkerIsKilled) {
  times.silent = 2'000;
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  run_job("nap");
  ASSERT_TRUE(run_until([&] { return records.size() == 1; }));
  EXPECT_TRUE(lost.empty()) << "a short silence is none";
  run_job("hang");
  ASSERT_TRUE(run_until([&] { return ready.size() == 2; }));
  EXPECT_THAT(lost, testing::ElementsAre(testing::Pair(1, LostReason::kSilent)));
}

TEST_F(WorkerPoolTest, AWorkerThatNeverSaysHelloIsKilled) {
  ::setenv("DARKROOM_FAKE_WORKER", "mute", 1);
  times.start = 2'000;
  start();
  run_until([] { return false; }, 300);
  ::setenv("DARKROOM_FAKE_WORKER", "", 1);
  EXPECT_TRUE(pool->workers().empty());
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  EXPECT_EQ(ready.front(), 2) << "the first was given its time, and no more";
}

TEST_F(WorkerPoolTest, AQuestionHasItsTime) {
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  EXPECT_EQ(wait(pool->ask({{"what", "late"}})), json::value(true));
  const std::int64_t began = steady_ms();
  EXPECT_THROW(wait(pool->ask({{"what", "never"}})), Unavailable);
  EXPECT_GE(steady_ms() - began, 950);
  EXPECT_LT(steady_ms() - began, 3000);
}

TEST_F(WorkerPoolTest, PausesGrowToTheirLimit) {
  ::setenv("DARKROOM_FAKE_WORKER", "broken", 1);
  times.longest_pause = 150;
  const std::int64_t began = steady_ms();
  start();
  ASSERT_TRUE(run_until([] { return broken_starts() == 9; }, 20'000)) << "without the limit the ninth comes after 25.5 s";
  EXPECT_GE(steady_ms() - began, 100 + 7 * 150) << "0.1 s, and then every 0.15 s";
}

TEST_F(WorkerPoolTest, AWorkerOverItsMemoryLimitIsKilled) {
  options.ram_bytes = 700u << 20;  // with the address sanitizer this program begins with 350 MiB
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  run_job("eat");
  ASSERT_TRUE(run_until([&] { return ready.size() == 2; }));
  EXPECT_THAT(lost, testing::ElementsAre(testing::Pair(1, LostReason::kMemory)));
}

TEST_F(WorkerPoolTest, AWorkerThatCanNotStartIsTriedAgainWithPauses) {
  ::setenv("DARKROOM_FAKE_WORKER", "broken", 1);
  const std::int64_t began = steady_ms();
  start();
  ASSERT_TRUE(run_until([] { return broken_starts() == 3; }));
  EXPECT_GE(steady_ms() - began, 300) << "0.1 s, then 0.2 s";
  ::setenv("DARKROOM_FAKE_WORKER", "", 1);
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  EXPECT_EQ(ready.front(), 4);
  EXPECT_TRUE(lost.empty()) << "nobody had heard of them";
}

TEST_F(WorkerPoolTest, NobodyToAsk) {
  options.worker_program = "/no/such/program";
  start();
  EXPECT_THROW(wait(pool->ask({{"what", "validate"}})), Unavailable);
}

TEST_F(WorkerPoolTest, AWorkerThatWillNotStopIsKilled) {
  ::setenv("DARKROOM_FAKE_WORKER", "stubborn", 1);
  start();
  ASSERT_TRUE(run_until([&] { return ready.size() == 1; }));
  const std::int64_t began = steady_ms();
  wait([this]() -> asio::awaitable<int> {
    co_await pool->stop();
    co_return 0;
  }());
  EXPECT_GT(steady_ms() - began, 950);
  EXPECT_LT(steady_ms() - began, 2500);
  EXPECT_THAT(lost, testing::ElementsAre(testing::Pair(1, LostReason::kStopped)));
}

TEST(Machine, ReadsMemory) {
  EXPECT_EQ(parse_meminfo("MemTotal:       100 kB\nMemFree: 1 kB\nMemAvailable:   50 kB\n").total, 100u << 10);
  EXPECT_EQ(parse_meminfo("MemTotal:       100 kB\nMemAvailable:   50 kB\n").available, 50u << 10);
  EXPECT_GT(machine_memory().total, 100u << 20);
}

}  // namespace
}  // namespace darkroom

// In place of GoogleTest's own main: this program is its own worker, too.
int main(int argc, char** argv) {
  int fd = -1, door = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--fd") fd = std::atoi(argv[i + 1]);
    if (std::string_view(argv[i]) == "--door") door = std::atoi(argv[i + 1]);
  }
  if (fd >= 0) return darkroom::run_fake_worker(fd, door);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
