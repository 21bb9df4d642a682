#include "broker/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr int kBusyMs = 5000;

[[noreturn]] void fail(sqlite3* handle, std::string_view what) {
  throw Unavailable(fmt::format("database: {}: {}", what, handle ? sqlite3_errmsg(handle) : "out of memory"));
}

}  // namespace

Statement::~Statement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_), "step");
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

json::value Statement::number(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_FLOAT) return sqlite3_column_double(statement_, column);
  return sqlite3_column_int64(statement_, column);
}

void Statement::bind_one(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }

void Statement::bind_one(int index, std::string_view value) {
  if (sqlite3_bind_text64(statement_, index, value.data() ? value.data() : "", value.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
    fail(sqlite3_db_handle(statement_), "bind");
}

void Statement::bind_one(int index, std::nullptr_t) { sqlite3_bind_null(statement_, index); }

void Statement::bind_one(int index, const json::value& number) {
  if (number.is_double()) sqlite3_bind_double(statement_, index, number.get_double());
  else sqlite3_bind_int64(statement_, index, number.is_number() ? number.to_number<std::int64_t>() : 0);
}

Database::Database(const std::string& path, Mode mode) : log_path_(path + "-wal") {
  const int flags = (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
    const std::string reason = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close_v2(handle_);
    throw Unavailable(fmt::format("database {}: {}", path, reason));
  }
  sqlite3_busy_timeout(handle_, kBusyMs);
  try {
    // A busy queue changes the same pages again and again: with a log of 16 MB, not SQLite's 4, they go into the file a quarter as often,
    // and reading it after a crash still takes but some hundredths of a second. (Commits that wait 3 ms for more of them, tried with a
    // hundred clients: 4 % more jobs a second, and a third less with eight.) NORMAL: whether a commit waits for the disk is the caller's to
    // say (sync_log). FULL would be switched by a statement that SQLite compiles anew each time.
    if (mode == Mode::kReadWrite)
      execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=FAST; PRAGMA wal_autocheckpoint=4000;");
  } catch (const Error&) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
  if (log_file_ >= 0) ::close(log_file_);
}

Statement Database::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
      fail(handle_, "prepare");
    found = statements_.emplace(std::string(sql), statement).first;
  }
  return Statement(found->second);
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(handle_, "execute");
}

void Database::sync_log() {
  const auto fail = [](const char* what) { throw Unavailable(fmt::format("database: {}: {}", what, std::strerror(errno))); };
  if (log_file_ < 0) {
    // While a connection is open the file is only ever emptied, never replaced. Its name has to be on the disk, too.
    log_file_ = ::open(log_path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (log_file_ < 0) fail("its log can't be opened");
    const int folder = ::open(std::filesystem::absolute(log_path_).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);
      ::close(folder);
    }
  }
  if (::fdatasync(log_file_) != 0) fail("its log can't be synced");
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

std::int64_t Database::scalar(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

}  // namespace darkroom
