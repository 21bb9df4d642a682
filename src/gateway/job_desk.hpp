#pragma once
// Where jobs are taken in, handed to workers and put away. The only place that changes queue, running jobs and history, so
// that the order "state first, then the message" (DESIGN §8) is kept by one function each. Lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "messages/job.hpp"

namespace darkroom {

namespace asio = boost::asio;

class BlockingPool;
class Broker;
class Hub;
class HubSession;
class SchemaStore;
class WorkerPool;
struct Options;

class JobDesk {
 public:
  JobDesk(asio::any_io_executor io, const Options& options, Broker& broker, Hub& hub, WorkerPool& workers, SchemaStore& schemas, BlockingPool& pool);
  ~JobDesk();

  /// Loads what the database holds, takes over the workers' listener and starts to hand out jobs.
  asio::awaitable<void> start();
  /// Phase one of the shutdown: takes nothing new and hands nothing out.
  void close();

  // -- POST /prompt: `number` is taken before validation (protocol.md §3.1), the job is on disk when submit() returns.
  json::value next_number();       ///< advances the counter
  json::value front_number();      ///< minus the counter; advances it too
  asio::awaitable<void> submit(Job job);
  /// The reply of a submitted job has been written, or can't be: its messages may go out now.
  void reply_written(const std::string& job_id);

  // -- queue
  std::size_t queue_remaining() const;                        ///< waiting and running
  std::shared_ptr<const std::string> queue_json();            ///< body of GET /queue, serialised once per change
  asio::awaitable<void> delete_pending(std::vector<std::string> ids);
  asio::awaitable<void> clear_pending();
  void interrupt(const std::optional<std::string>& job_id);   ///< §3.3: nothing running and no id: the flag is dropped
  asio::awaitable<bool> cancel(const std::string& job_id);    ///< pending: removed, into the history as cancelled; running: interrupted

  // -- history
  asio::awaitable<json::object> history(std::optional<std::int64_t> max_items, std::int64_t offset);
  asio::awaitable<json::object> history_of(const std::string& job_id);
  asio::awaitable<void> delete_history(std::vector<std::string> ids);
  asio::awaitable<void> clear_history();

  // -- jobs (§8.3)
  struct JobsQuery {
    std::vector<std::string> status;   ///< empty: all
    std::string workflow_id;
    bool by_duration = false, ascending = false;
    std::optional<std::int64_t> limit;
    std::int64_t offset = 0;
  };
  asio::awaitable<json::object> jobs(const JobsQuery& query);
  asio::awaitable<std::optional<json::object>> job(const std::string& job_id);

  /// First messages of a new socket: `status` with `sid`, and `executing` where a job of this client runs (§4.1).
  void greet(HubSession& session);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkroom
