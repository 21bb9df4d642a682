#include "broker/sqlite_broker.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "base/text.hpp"
#include "broker/migrations.hpp"
#include "broker/sqlite.hpp"
#include "broker/tests/broker_conformance.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, gone with the last who uses it.
struct TempFolder {
  fs::path path = fs::temp_directory_path() / ("darkroom-broker-" + random_hex(12));
  TempFolder() { fs::create_directories(path); }
  ~TempFolder() { fs::remove_all(path); }
  fs::path file() const { return path / "darkroom.sqlite"; }
};

BrokerFactory sqlite_factory() {
  return {"sqlite", [] {
            auto folder = std::make_shared<TempFolder>();
            return [folder](BrokerLimits limits) -> std::unique_ptr<Broker> {
              return std::make_unique<SqliteBroker>(folder->file(), limits);
            };
          }};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, BrokerConformance, testing::Values(sqlite_factory()), [](const auto&) { return std::string("sqlite"); });

/// Runs a coroutine to its end on a context of its own.
template <class T>
T run(asio::awaitable<T> work) {
  asio::io_context io;
  auto future = asio::co_spawn(io, std::move(work), asio::use_future);
  io.run();
  return future.get();
}

asio::awaitable<void> submit_many(Broker& broker, int from, int count) {
  for (int i = from; i < from + count; ++i) co_await broker.submit(make_job("j" + std::to_string(i), i));
}

TEST(SqliteBroker, CommitsInGroups) {
  TempFolder folder;
  SqliteBroker broker(folder.file(), {});
  asio::io_context io;
  for (int i = 0; i < 1000; ++i) asio::co_spawn(io, broker.submit(make_job("j" + std::to_string(i), i)), asio::detached);
  io.run();
  EXPECT_EQ(broker.counts().pending, 1000u);
  EXPECT_LT(broker.commits(), 500u) << "a thousand at once cost far fewer transactions";
}

TEST(SqliteBroker, SurvivesAProcessThatDiesAtOnce) {
  TempFolder folder;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SqliteBroker broker(folder.file(), {});
    asio::io_context io;
    asio::co_spawn(
        io,
        [](Broker& inner) -> asio::awaitable<void> {
          co_await submit_many(inner, 0, 20);
          for (int i = 0; i < 5; ++i) {
            const auto claimed = co_await inner.claim(kLongLease);
            co_await inner.finish(claimed->claim, success());
          }
          co_await inner.claim(kLongLease);
          co_await submit_many(inner, 20, 1);  // its commit takes the claim's with it
          _exit(9);
        }(broker),
        asio::detached);
    io.run();
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 9);

  SqliteBroker broker(folder.file(), {});
  EXPECT_EQ(broker.counts().pending, 16u);
  EXPECT_EQ(run(broker.history("local", {}, -1)).size(), 5u);
  const auto again = run(broker.claim(kLongLease));
  EXPECT_EQ(again->job.id, "j5");
  EXPECT_EQ(again->claim.attempt, 2);
  EXPECT_EQ(again->losses, 0);
}

TEST(SqliteBroker, WhatIsAcceptedIsOnDiskAlready) {
  TempFolder folder, copy;
  SqliteBroker broker(folder.file(), {});
  run(submit_many(broker, 0, 7));
  const auto claimed = run(broker.claim(kLongLease));
  run(broker.finish(claimed->claim, success()));
  // What the power would have left: the files as they are now.
  for (const char* suffix : {"", "-wal"}) fs::copy_file(folder.file().string() + suffix, copy.file().string() + suffix);
  SqliteBroker after(copy.file(), {});
  EXPECT_EQ(after.counts().pending, 6u);
  EXPECT_TRUE(run(after.history_of("local", "j0")));
}

TEST(SqliteBroker, IsClosedToASecondGatewayAndToOtherUsers) {
  TempFolder folder;
  SqliteBroker broker(folder.file(), {});
  EXPECT_THROW(SqliteBroker(folder.file(), {}), Conflict);
  struct stat info {};
  ASSERT_EQ(::stat(folder.file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(SqliteBroker, RefusesANewerDatabaseInOneLine) {
  TempFolder folder;
  { SqliteBroker broker(folder.file(), {}); }
  Database(folder.file(), Database::Mode::kReadWrite).execute("PRAGMA user_version=999");
  try {
    SqliteBroker broker(folder.file(), {});
    FAIL() << "it was opened";
  } catch (const Conflict& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("999"), text.npos) << text;
    EXPECT_EQ(text.find('\n'), text.npos);
  }
}

TEST(SqliteBroker, RefusesAFileThatIsNoDatabase) {
  TempFolder folder;
  std::ofstream(folder.file()) << std::string(5000, 'x');
  EXPECT_THROW(SqliteBroker(folder.file(), {}), Unavailable);
}

TEST(SqliteBroker, DamagedRowsHarmNobodyElse) {
  TempFolder folder;
  {
    SqliteBroker broker(folder.file(), {});
    run(submit_many(broker, 0, 5));
    for (int i = 0; i < 2; ++i) run(broker.finish(run(broker.claim(kLongLease))->claim, success()));
  }
  Database(folder.file(), Database::Mode::kReadWrite)
      .execute("UPDATE history SET outputs='{\"1\":' WHERE id='j0'; UPDATE jobs SET prompt='}{' WHERE id='j2'");
  SqliteBroker broker(folder.file(), {});
  EXPECT_EQ(run(broker.history("local", {}, -1)).size(), 1u);
  EXPECT_FALSE(run(broker.history_of("local", "j0")));
  EXPECT_EQ(run(broker.queue("local")).pending.size(), 2u);
  EXPECT_EQ(run(broker.jobs("local", {})).jobs.size(), 4u);
  EXPECT_EQ(run(broker.claim(kLongLease))->job.id, "j3");
  EXPECT_EQ(broker.counts().pending, 1u);
}

/// What GET /history/{id} answers, and the summary behind a list of jobs.
std::string told(const std::optional<HistoryEntry>& entry) {
  if (!entry) return "nothing";
  std::string text;
  entry->append_entry(text);
  const JobSummary& summary = entry->summary;
  return fmt::format("{} {} {} {} {} {} {} {} {}", text, summary.status, summary.create_time, summary.started, summary.ended,
                     summary.outputs_count, summary.workflow_id, summary.preview, summary.error);
}

TEST(SqliteBroker, ARecentResultIsThatOnDisk) {
  TempFolder folder;
  std::string recent;
  {
    SqliteBroker broker(folder.file(), {});
    Job job = make_job("a", 0);
    job.extra_data["extra_pnginfo"] = {{"workflow", json::object{{"id", "wf"}}}};
    run(broker.submit(job));
    run(broker.finish(run(broker.claim(kLongLease))->claim, success(100, 900)));
    recent = told(run(broker.history_of("local", "a")));
  }
  EXPECT_NE(recent, "nothing");
  SqliteBroker after(folder.file(), {});
  EXPECT_EQ(recent, told(run(after.history_of("local", "a"))));
}

TEST(SqliteBroker, ARecentResultGoesWithThatOnDisk) {
  TempFolder folder;
  SqliteBroker broker(folder.file(), {.max_history = 3});
  const auto finish_one = [&](const std::string& id, const std::string& owner = "local") {
    run(broker.submit(make_job(id, 0, "c", owner)));
    run(broker.finish(run(broker.claim(kLongLease))->claim, success()));
  };
  const auto is_there = [&](const std::string& id) { return run(broker.history_of("local", id)).has_value(); };
  for (const char* id : {"a", "b", "c"}) finish_one(id);
  run(broker.delete_history("local", {"b"}));
  EXPECT_TRUE(is_there("a") && !is_there("b") && is_there("c"));
  finish_one("d");
  finish_one("a");  // at its old place: it is still the oldest
  EXPECT_TRUE(is_there("a"));
  finish_one("e", "anna");
  EXPECT_FALSE(is_there("a")) << "another's job drove out the oldest of whoever has the most";
  EXPECT_TRUE(is_there("c") && is_there("d"));
  run(broker.clear_history("local"));
  EXPECT_FALSE(is_there("c") || is_there("d"));
  EXPECT_TRUE(run(broker.history_of("anna", "e")));
}

TEST(SqliteBroker, ALongHistoryIsTrimmedSomeEntriesAtATime) {
  TempFolder folder;
  SqliteBroker broker(folder.file(), {.max_history = 200});
  run(submit_many(broker, 0, 203));
  const auto size = [&] { return run(broker.history("local", std::nullopt, -1)).size(); };
  const auto finish = [&] { run(broker.finish(run(broker.claim(kLongLease))->claim, success())); };
  for (int i = 0; i < 200; ++i) finish();
  EXPECT_EQ(size(), 200u);
  finish();
  EXPECT_EQ(size(), 198u) << "one over the limit, and a hundredth of it more";
  finish();
  finish();
  EXPECT_EQ(size(), 200u);
  EXPECT_TRUE(run(broker.history_of("local", "j202")));
  EXPECT_FALSE(run(broker.history_of("local", "j2")));
}

TEST(SqliteBroker, JobsBeyondTheTextBudgetAreReadFromDisk) {
  TempFolder folder;
  SqliteBroker broker(folder.file(), {});
  Job large = make_job("large", 0);
  large.prompt["big"] = std::string(40 << 20, 'x');
  Job other = large;
  other.id = "other";
  other.number = 1;
  run(broker.submit(large));
  run(broker.submit(other));
  const auto view = run(broker.queue("local"));
  ASSERT_EQ(view.pending.size(), 2u);
  EXPECT_GT(view.pending[1]->prompt.size(), 40u << 20);
  EXPECT_EQ(run(broker.claim(kLongLease))->job.id, "large");
  const auto claimed = run(broker.claim(kLongLease));
  EXPECT_EQ(claimed->job.prompt.at("big").as_string().size(), 40u << 20);
  EXPECT_EQ(claimed->job.attempt, 1);
}

TEST(Migrations, ApplyInOrderAndOnlyOnce) {
  TempFolder folder;
  Database database(folder.file(), Database::Mode::kReadWrite);
  std::vector<Migration> migrations = {{"001_a.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1);"}};
  migrate(database, migrations);
  migrate(database, migrations);
  EXPECT_EQ(database.scalar("SELECT count(*) FROM a"), 1);
  migrations.push_back({"002_b.sql", "CREATE TABLE b (y);"});
  migrate(database, migrations);
  EXPECT_EQ(database.scalar("PRAGMA user_version"), 2);
  EXPECT_EQ(database.scalar("SELECT count(*) FROM b"), 0);
}

TEST(Migrations, AFailingFileChangesNothing) {
  TempFolder folder;
  Database database(folder.file(), Database::Mode::kReadWrite);
  const std::vector<Migration> migrations = {{"001_a.sql", "CREATE TABLE a (x);"}, {"002_b.sql", "CREATE TABLE b (y); NONSENSE;"}};
  EXPECT_THROW(migrate(database, migrations), Unavailable);
  EXPECT_EQ(database.scalar("PRAGMA user_version"), 0);
  EXPECT_EQ(database.scalar("SELECT count(*) FROM sqlite_master"), 0);
}

/// The words of a migration that make something, and what takes it away again.
std::vector<std::string> undoing(const Migration& migration) {
  static const std::regex makes(R"((CREATE TABLE|ALTER TABLE) +(\w+)( +ADD COLUMN +(\w+))?)");
  const std::string sql(migration.sql);
  std::vector<std::string> steps;
  for (auto found = std::sregex_iterator(sql.begin(), sql.end(), makes); found != std::sregex_iterator(); ++found)
    steps.push_back((*found)[4].matched ? "ALTER TABLE " + (*found)[2].str() + " DROP COLUMN " + (*found)[4].str()
                                        : "DROP TABLE " + (*found)[2].str());
  return steps;
}

/// Takes a database back to an earlier schema: what later files made is gone, what stood in its tables stays.
void take_back(const fs::path& file, std::size_t version) {
  Database database(file, Database::Mode::kReadWrite);
  const auto& all = embedded_migrations();
  for (std::size_t i = all.size(); i-- > version;)
    for (const std::string& step : undoing(all[i])) database.execute(step);
  database.execute("PRAGMA user_version=" + std::to_string(version));
}

TEST(Migrations, EveryEarlierSchemaIsBroughtForwardWithItsJobs) {
  for (std::size_t version = 1; version < embedded_migrations().size(); ++version) {
    SCOPED_TRACE(version);
    TempFolder folder;
    {
      SqliteBroker broker(folder.file(), {});
      run(broker.submit(make_job("done", 1)));
      const auto claimed = run(broker.claim(kLongLease));
      run(broker.finish(claimed->claim, success()));
      run(broker.submit(make_job("waits", 2)));
    }
    take_back(folder.file(), version);
    SqliteBroker broker(folder.file(), {});
    EXPECT_EQ(broker.counts().pending, 1u);
    EXPECT_EQ(run(broker.claim(kLongLease))->job.id, "waits");
    Database database(folder.file(), Database::Mode::kReadOnly);
    EXPECT_EQ(database.scalar("PRAGMA user_version"), static_cast<std::int64_t>(embedded_migrations().size()));
    EXPECT_EQ(database.scalar("SELECT count(*) FROM history"), version >= 2 ? 1 : 0) << "the history came with the second";
  }
}

TEST(Migrations, TheEmbeddedOnesAreNumberedWithoutGaps) {
  int number = 0;
  for (const Migration& migration : embedded_migrations()) EXPECT_EQ(migration.version(), ++number);
  EXPECT_GE(number, 3);
}

}  // namespace
}  // namespace darkroom
