#pragma once
// What a Client shares with its coroutines: the connection, the jobs that are followed, and the one coroutine that hears of them.

#include <map>

#include "client/job_state.hpp"
#include "client/transport.hpp"

namespace darkroom::client {

struct Client::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& io_, const ServerUrl& url, ClientOptions wanted);

  /// Opens the socket where it is not open; waits for another call that does so.
  asio::awaitable<void> open();
  /// Follows a job from now on: its messages go to it, and its end is looked for where no message comes.
  void follow(const std::shared_ptr<Job::State>& job);
  void rename(const std::shared_ptr<Job::State>& job, const std::string& name);  ///< the server gave it another id
  void forget(const std::shared_ptr<Job::State>& job);
  std::shared_ptr<Job::State> job_of(const std::string& name);  ///< the one that is followed, or null
  /// Starts the coroutine that hears of jobs, where it is not running.
  void start_watching();
  void close();
  /// Looks for the ends of all jobs that no message told; those that the server does not know any more end too.
  asio::awaitable<void> look_up_all();

  /// POST `body` to `target`, whose answer has nothing to say.
  static asio::awaitable<void> tell(std::shared_ptr<State> self, std::string target, std::string body);
  asio::awaitable<FileName> upload(std::string bytes, UploadOptions wish);
  /// The job's entry, or nothing.
  asio::awaitable<std::optional<json::object>> entry_of(const std::string& name);
  /// A reply with status 200. Throws what another one means; `what`: "the history", for the text.
  static void expect_ok(const Transport::Reply& reply, std::string_view what);
  static json::object object_of(const Transport::Reply& reply, std::string_view what);

  asio::any_io_executor io;
  ClientOptions options;
  std::string id;
  Transport transport;
  bool opened = false;  ///< the socket is open

 private:
  asio::awaitable<void> watch();
  asio::awaitable<void> wait(std::chrono::milliseconds time);  ///< or until something changed
  asio::awaitable<void> wait_a_moment();
  std::chrono::milliseconds shortened(std::chrono::milliseconds time);
  void take_message(const std::string& text);
  void take_binary(std::string_view bytes);
  void start_looking();
  asio::awaitable<void> look_for_silent();
  std::vector<std::shared_ptr<Job::State>> open_jobs();
  void fail_all(const std::exception_ptr& why);

  std::map<std::string, std::weak_ptr<Job::State>> jobs;
  std::string talked_of_;  ///< the job of the last message that named one: previews of older servers name none
  asio::steady_timer pause_, silence_;
  bool wants_socket_ = false, opening_ = false, watching_ = false, closed_ = false;
  bool looking_ = false;
};

}  // namespace darkroom::client
