// /internal: what only the editor asks for (protocol.md §3.14): the log, folder paths, names of files. Not under /api.

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <mutex>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/log_buffer.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

constexpr int kColumns = 120, kRows = 30;  // there is no terminal; the editor's log view wants a size

json::object entry_of(const LogLine& line) { return {{"t", line.time}, {"m", line.text}}; }

json::array entries_of(const std::vector<LogLine>& lines) {
  json::array entries;
  for (const auto& line : lines) entries.push_back(entry_of(line));
  return entries;
}

/// Clients that follow the log. Lines come on any thread and leave on the io thread, several in one message where they come fast.
class LogFeed : public std::enable_shared_from_this<LogFeed> {
 public:
  LogFeed(LogBuffer& logs, Hub& hub) : logs_(logs), hub_(hub) {}

  using Subscriber = std::pair<std::string, std::string>;  ///< room and client id

  void subscribe(Subscriber client, asio::any_io_executor io) {
    if (!listening_) {
      listening_ = true;
      logs_.listen([feed = shared_from_this(), io](const LogLine& line) { feed->take(line, io); });
    }
    clients_.insert(std::move(client));
    active_ = true;
  }
  void unsubscribe(const Subscriber& client) {
    clients_.erase(client);
    active_ = !clients_.empty();
  }

 private:
  void take(const LogLine& line, const asio::any_io_executor& io) {
    if (!active_) return;
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(line);
    if (waiting_.size() == 1) asio::post(io, [feed = shared_from_this()] { feed->flush(); });
    if (waiting_.size() > kLogLines) waiting_.erase(waiting_.begin() + 1);  // more than the log itself keeps
  }

  void flush() {
    std::vector<LogLine> lines;
    {
      const std::scoped_lock lock(mutex_);
      lines.swap(waiting_);
    }
    const Frame frame = Frame::message("logs", json::object{{"entries", entries_of(lines)}, {"size", nullptr}});
    for (auto client = clients_.begin(); client != clients_.end();) {
      const auto& [room, id] = *client;
      if (!hub_.find(room, id)) {  // its socket is gone
        client = clients_.erase(client);
        continue;
      }
      hub_.send(room, id, frame);
      ++client;
    }
    active_ = !clients_.empty();
  }

  LogBuffer& logs_;
  Hub& hub_;
  bool listening_ = false;
  std::set<Subscriber> clients_;       // io thread
  std::atomic<bool> active_ = false;
  std::mutex mutex_;
  std::vector<LogLine> waiting_;
};

asio::awaitable<Response> subscribe(Request& request, LogFeed& feed) {
  std::optional<std::string> client;
  bool enabled = false, complete = false;
  try {
    const json::value body = parse_json(request.body);
    if (const auto* object = body.if_object()) {
      client = find_string(*object, "clientId");
      const json::value* wanted = find(*object, "enabled");
      complete = client && wanted;
      enabled = wanted && truthy(*wanted);
    }
  } catch (const Error&) {
    // not complete
  }
  if (!complete) co_return Response::error(500, "invalid_json", "clientId and enabled are needed");
  LogFeed::Subscriber subscriber(room_of(request.who.user), *client);
  if (enabled) feed.subscribe(std::move(subscriber), co_await asio::this_coro::executor);
  else feed.unsubscribe(subscriber);
  co_return Response::empty();
}

json::object folder_paths(const Folders& folders) {
  json::object object;
  for (const auto& folder : folders.models) {
    json::array paths;
    for (const auto& path : folder.paths) paths.emplace_back(path.string());
    object[folder.key] = std::move(paths);
  }
  return object;
}

/// Names of the plain files of a folder, newest first; hidden ones left out.
json::array newest_first(const fs::path& folder) {
  std::vector<std::pair<std::int64_t, std::string>> found;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    struct stat info {};
    if (name.starts_with('.') || !is_valid_utf8(name) || ::stat(entry->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    found.emplace_back(std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, name);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  json::array names;
  for (const auto& [time, name] : found) names.emplace_back(name);
  return names;
}

}  // namespace

void add_internal_routes(Router& router, Services& services) {
  RouteOptions root_only;
  root_only.api_too = false;
  root_only.access = Access::kAdmin;
  const auto feed = std::make_shared<LogFeed>(services.logs, services.hub);
  router.add("GET", "/internal/logs", [&services](Request&) -> asio::awaitable<Response> {
    std::string text;
    for (const auto& line : services.logs.lines()) text += line.time + " - " + line.text;
    co_return Response::of_json(json::value(text));
  }, root_only);
  router.add("GET", "/internal/logs/raw", [&services](Request&) -> asio::awaitable<Response> {
    co_return Response::of_json(
        json::object{{"entries", entries_of(services.logs.lines())}, {"size", json::object{{"cols", kColumns}, {"rows", kRows}}}});
  }, root_only);
  router.add("PATCH", "/internal/logs/subscribe", [feed](Request& request) { return subscribe(request, *feed); }, root_only);
  router.add("GET", "/internal/folder_paths", [&services](Request&) -> asio::awaitable<Response> {
    co_return Response::of_json(folder_paths(services.folders));
  }, root_only);
  router.add("GET", "/internal/files/{type}", [&services](Request& request) -> asio::awaitable<Response> {
    const auto folder = services.folders.by_type(request.param("type"));
    if (!folder) co_return Response::of_json(json::object{{"error", "Invalid directory type"}}, 400);
    co_return co_await services.pool.run([&] { return Response::of_json(newest_first(*folder)); });
  }, root_only);
}

}  // namespace darkroom
