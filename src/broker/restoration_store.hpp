#pragma once
// What is kept of jobs that are watched as restorations: a record each, and its numbered messages. Records are texts that only the
// photo service reads. Calls and their results stay on the executor of the caller.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace darkroom {

namespace asio = boost::asio;

struct RestorationRow {
  std::string owner, id;
  std::int64_t ended = 0;  ///< ms since 1970; 0: it waits or runs
  std::string record;      ///< JSON
};

struct RestorationMessage {
  std::int64_t seq = 0;
  std::string body;        ///< JSON
};

class RestorationStore {
 public:
  virtual ~RestorationStore() = default;

  /// Makes or replaces the record and appends messages, in one step. In the file when it returns; on the disk too where `durable`.
  /// Throws Unavailable when it can't be stored.
  virtual asio::awaitable<void> save(RestorationRow row, std::vector<RestorationMessage> messages, bool durable) = 0;
  virtual asio::awaitable<std::optional<RestorationRow>> find(std::string owner, std::string id) = 0;
  /// Newest first, at most `limit`.
  virtual asio::awaitable<std::vector<RestorationRow>> list(std::string owner, std::int64_t limit) = 0;
  /// Of all owners: those that have not ended, oldest first.
  virtual asio::awaitable<std::vector<RestorationRow>> unended() = 0;
  /// Of all owners: those that ended before this moment (ms), oldest first.
  virtual asio::awaitable<std::vector<RestorationRow>> ended_before(std::int64_t moment) = 0;
  /// Messages after number `after`, in order.
  virtual asio::awaitable<std::vector<RestorationMessage>> messages(std::string owner, std::string id, std::int64_t after) = 0;
  virtual asio::awaitable<void> forget(std::string owner, std::string id) = 0;
};

}  // namespace darkroom
