#pragma once
// A thin layer over SQLite: a connection with its prepared statements, and errors as exceptions. One thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace darkroom {

/// A prepared statement, ready to be bound and stepped. Given back (reset) when it goes out of scope.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds the arguments to ?1, ?2, ... Texts have to live until the last step.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  bool step();                 ///< true: there is a row
  void run() { while (step()) {} }

  std::int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  json::value number(int column) const;  ///< an integer or a double, as it was stored

 private:
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, int value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, bool value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::string_view value);
  void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, const char* value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, std::nullptr_t);
  void bind_one(int index, const json::value& number);

  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  /// Opens and sets up a WAL database in which a commit does not wait for the disk (sync_log). Throws Unavailable with SQLite's reason.
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Statement prepare(std::string_view sql);  ///< compiled once, kept for the life of the connection
  void execute(const std::string& sql);     ///< one or more statements without arguments
  std::int64_t changes() const;             ///< rows that the last statement changed
  std::int64_t scalar(std::string_view sql);
  void sync_log();                          ///< what was committed is on the disk afterwards. Throws Unavailable when it can't be

 private:
  std::string log_path_;
  int log_file_ = -1;  ///< open from the first sync_log() on
  sqlite3* handle_ = nullptr;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements_;
};

}  // namespace darkroom
