#include "gateway/pack_routes.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/percent.hpp"
#include "base/text.hpp"
#include "gateway/pack_exchange.hpp"

namespace darkroom {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(50);  ///< for a worker that is not ready yet
constexpr const char* kRetryAfterS = "5";
/// In replies of the worker: no pack has such a route.
constexpr std::string_view kUnmatched = "darkroom-unmatched";

Response come_again(const char* why) { return Response::error(503, "unavailable", why).header("Retry-After", kRetryAfterS); }

const std::string* header_of(const Response& response, std::string_view lower_name) {
  for (const auto& [name, value] : response.headers)
    if (lower(name) == lower_name) return &value;
  return nullptr;
}

}  // namespace

PackRoutes::PackRoutes(asio::any_io_executor io, Workers workers, bool packs, PackTimes times)
    : io_(std::move(io)), workers_(std::move(workers)), packs_(packs), times_(times) {}

/// Packs have state: as long as a worker lives, the same one answers.
WorkerHandle* PackRoutes::first_ready() const {
  const auto ready = workers_();
  const auto first = std::ranges::min_element(ready, {}, [](const WorkerHandle* worker) { return worker->id(); });
  return first == ready.end() ? nullptr : *first;
}

void PackRoutes::learn(const WorkerHandle& worker) {
  if (worker.id() == learnt_from_) return;
  learnt_from_ = worker.id();
  exact_.clear();
  prefixes_.clear();
  const auto* told = find_object(worker.hello(), "pack_routes");
  if (!told) return;
  if (const auto* list = find_array(*told, "exact"))
    for (const auto& path : *list)
      if (path.is_string()) exact_.emplace(path.get_string());
  if (const auto* list = find_array(*told, "prefixes"))
    for (const auto& path : *list)
      if (path.is_string()) prefixes_.emplace_back(path.get_string());
}

OtherRoutes::Guess PackRoutes::guess(std::string_view raw_path) {
  if (const WorkerHandle* worker = first_ready()) learn(*worker);
  if (learnt_from_ == 0) return packs_ ? Guess::kPerhaps : Guess::kNo;
  if (exact_.empty() && prefixes_.empty()) return Guess::kNo;
  const std::string path = percent_decode(raw_path);
  const bool fits =
      exact_.contains(path) || std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return path.starts_with(prefix); });
  return fits ? Guess::kYes : Guess::kNo;
}

/// A socket whose other end a worker has got; no descriptor when none is ready in time.
asio::awaitable<PackRoutes::Connection> PackRoutes::connect(std::string_view raw_path) {
  const std::int64_t end = steady_ms() + times_.ready;
  asio::steady_timer pause(io_);
  for (;;) {
    if (WorkerHandle* worker = first_ready()) {
      // What was a guess before it was ready is known now, and a worker without routes reads no door.
      if (guess(raw_path) == Guess::kNo) co_return Connection{.has_route = false};
      int pair[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) co_return Connection{};
      const bool passed = worker->pass_on(pair[1]);
      ::close(pair[1]);
      if (passed) co_return Connection{.fd = pair[0], .worker = worker->id()};
      ::close(pair[0]);  // it dies at this moment, or has not taken the last ones yet
    }
    if (steady_ms() >= end) co_return Connection{};
    pause.expires_after(kLookAgain);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<std::optional<Response>> PackRoutes::answer(Request& request, std::vector<std::string>& allowed) {
  if (static_cast<std::size_t>(under_way_.use_count()) > times_.at_once)
    co_return come_again("Too many requests to routes of node packs are under way.");
  std::shared_ptr<void> slot = under_way_;
  const std::string_view target = request.target;
  const Connection connection = co_await connect(target.substr(0, target.find('?')));
  if (!connection.has_route) co_return std::nullopt;
  if (connection.fd < 0) co_return come_again("The worker with the node packs is not ready.");
  const auto worker_there = [workers = workers_, id = connection.worker] {
    return std::ranges::any_of(workers(), [id](const WorkerHandle* worker) { return worker->id() == id; });
  };
  const auto exchange = std::make_shared<PackExchange>(io_, connection.fd, worker_there, times_, std::move(slot));
  std::optional<Response> response = co_await exchange->answer(request);
  if (!header_of(*response, kUnmatched)) co_return response;
  co_await exchange->finish();
  if (const std::string* methods = header_of(*response, "allow"))
    for (const auto& method : split(*methods, ',')) allowed.emplace_back(trim(method));
  co_return std::nullopt;
}

}  // namespace darkroom
