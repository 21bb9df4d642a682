#include "broker/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/log.hpp"

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
    if (mode == Mode::kReadWrite) execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST;");
  } catch (const Error&) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
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
  const int file = ::open(log_path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;  // there is none after a checkpoint that emptied it
  if (::fdatasync(file) != 0) log::warn("database: its log can't be synced: {}", std::strerror(errno));
  ::close(file);
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

std::int64_t Database::scalar(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

}  // namespace darkroom
