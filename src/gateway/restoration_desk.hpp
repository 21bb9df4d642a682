#pragma once
// The photo service between HTTP, the job desk and those who watch: takes restorations in, follows their jobs by the events of the
// workers and the state of the queue, tells viewers, and forgets what is old. Every job whose graph has a restoration step is followed,
// whichever route took it. Owned by the gateway; lives on the io thread, from start() to the end of the program.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.hpp"
#include "broker/restoration_store.hpp"
#include "gateway/live_restoration.hpp"
#include "restoration/options.hpp"

namespace darkroom {

class BlockingPool;
class Folders;
class JobDesk;
class ResidentMemory;
class WorkerPool;
struct Options;

struct RestorationTimes {
  std::chrono::milliseconds reconcile{200};   ///< between two looks at the queue
  std::chrono::milliseconds quiet{2000};      ///< a running one says something at least so often
  std::chrono::milliseconds sweep{600'000};   ///< between two looks for old ones
  std::chrono::milliseconds cancel{1500};     ///< how long cancel() waits for the end
};

class RestorationDesk {
 public:
  /// Set before start(): see LiveRestoration::PublicUrl.
  LiveRestoration::PublicUrl public_url;

  using Live = std::shared_ptr<LiveRestoration>;

  RestorationDesk(asio::any_io_executor io, const Options& options, const Folders& folders, BlockingPool& pool, Broker& broker,
                  RestorationStore& store, JobDesk& jobs, WorkerPool& workers, RestorationTimes times = {});
  ~RestorationDesk();

  /// Takes up what an earlier run of the server left, and follows jobs from now on. To be called before the job desk starts.
  asio::awaitable<void> start();

  // -- POST /restore
  /// A new upload under this id. Throws Refusal `id_taken`.
  asio::awaitable<Live> begin_upload(std::string owner, std::string id);
  void uploading(const Live& live, std::uint64_t bytes, std::uint64_t total);
  /// The upload came to nothing: viewers are told, and its id is free again.
  asio::awaitable<void> refuse(Live live, restoration::Refusal why);
  /// Stores it and puts its job into the queue: the place in the queue, from 1. Throws as JobDesk::submit does.
  asio::awaitable<std::int64_t> accept(Live live, Job job);

  // -- control
  /// Ends a live one and waits a moment for its end; its state then. Nothing for one that is not live.
  asio::awaitable<std::optional<std::string>> cancel(std::string owner, std::string id);
  /// Deletes what there is of an ended one. False when there is none.
  asio::awaitable<bool> forget(std::string owner, std::string id);

  // -- looking
  Live live(const std::string& owner, const std::string& id) const;  ///< null when it is not live
  asio::awaitable<std::optional<restoration::Facts>> find(std::string owner, std::string id);
  asio::awaitable<std::vector<restoration::Facts>> list(std::string owner);
  json::object view(const restoration::Facts& facts, restoration::Language language) const;
  std::size_t count(std::string_view state) const;  ///< of the live ones

  // -- viewers (restoration_viewers.cpp)
  /// A socket of /ws/progress: its handshake says which job.
  void watch(HubSession& session);
  /// The socket of this client id is gone.
  void unwatch(const std::string& client_id);
  /// A message of a viewer.
  void heard(HubSession& session, const json::object& message);

 private:
  struct Watching {
    Viewer viewer;
    std::string owner, id;  ///< id "": the owner's next job
    std::weak_ptr<LiveRestoration> live;
  };

  void spawn(asio::awaitable<void> work);
  asio::awaitable<void> pause(std::chrono::milliseconds time);
  Live add(restoration::Facts facts);
  void store_and_tell(const Live& live);
  asio::awaitable<void> storing(Live live);
  std::function<void()> on_submit(const Job& job);
  asio::awaitable<void> follow(std::string id, std::string owner, std::int64_t created, restoration::Plan plan);
  asio::awaitable<void> settled(Live live);
  void fail(const Live& live, std::string state, std::string code, std::string say, json::object with = {});
  asio::awaitable<void> take_up(RestorationRow row);
  asio::awaitable<void> sweep();
  asio::awaitable<void> erase(restoration::Facts facts);

  // restoration_following.cpp
  void on_event(const Record& record);
  void apply(LiveRestoration& live, const JobEvent& event);
  void queue_changed();
  void reconcile_later();
  asio::awaitable<void> reconcile();
  void place(const Live& live, const QueueView& queue);
  asio::awaitable<void> look_for_end(Live live);
  void repeat(LiveRestoration& live, json::object extra, bool minor);
  asio::awaitable<void> keep_company();
  void look_at_memory();

  // restoration_viewers.cpp
  void join(Watching& watching, const Live& live);
  void invite(const Live& live);
  void spawn_replay(const std::string& client_id);
  asio::awaitable<void> replay(std::string client_id);

  asio::any_io_executor io_;
  const Options& options_;
  const Folders& folders_;
  BlockingPool& pool_;
  Broker& broker_;
  RestorationStore& store_;
  JobDesk& jobs_;
  WorkerPool& workers_;
  const RestorationTimes times_;
  const std::string client_id_;  ///< of the jobs: a socket that nobody has, so that no editor hears of them
  std::shared_ptr<void> subscription_;
  std::unordered_map<std::string, Live> live_;              ///< by owner and id
  std::unordered_map<std::string, Watching> watching_;      ///< by the client id of the socket
  struct JustEnded {
    std::string id;
    std::int64_t at = 0;  ///< steady_ms()
  };
  /// How long ago a job may have ended that a viewer who names none still gets: it posts first and opens its socket then.
  static constexpr std::int64_t kJustEndedMs = 10'000;
  std::unordered_map<std::string, JustEnded> just_ended_;   ///< by owner: for a viewer without a job that comes a moment late
  std::map<int, std::unique_ptr<ResidentMemory>> memory_;   ///< of the workers, by pid
  asio::steady_timer reconcile_timer_;
  bool reconciling_ = false, again_ = false, scheduled_ = false, hurry_ = false, in_company_ = false, taken_up_ = false;
};

}  // namespace darkroom
