#include "client/client_state.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>
#include <set>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace darkroom::client {
namespace {

constexpr auto kAskTime = std::chrono::seconds(1);      ///< between two looks into the history without a socket
constexpr auto kSilentTime = std::chrono::seconds(5);   ///< of a job, until it is asked for although the socket is open
constexpr auto kMoment = std::chrono::milliseconds(20);

using Clock = std::chrono::steady_clock;

/// "{"error": {"message": …}}", {"error": "…"} or a text that is short enough to show.
std::string words_of(const std::string& body) {
  try {
    const json::value value = parse_json(body);
    const auto* object = value.if_object();
    const auto* error = object ? find(*object, "error") : nullptr;
    if (error && error->is_string()) return std::string(error->get_string());
    if (error && error->is_object()) return string_or(error->get_object(), "message", "");
    return object ? string_or(*object, "message", "") : "";
  } catch (const Error&) {
    return body.size() < 200 && body.find('<') == body.npos ? std::string(trim(body)) : "";
  }
}

}  // namespace

Client::State::State(const asio::any_io_executor& io_, const ServerUrl& url, ClientOptions wanted)
    : io(io_),
      options(std::move(wanted)),
      id(options.client_id.empty() ? uuid4() : options.client_id),
      transport(io, url, options.tls_ca, options.proxy),
      pause_(io),
      silence_(io) {
  transport.use_token(options.token);
}

asio::awaitable<void> Client::State::open() {
  const auto self = shared_from_this();  // the client may go meanwhile
  while (opening_) co_await wait_a_moment();
  if (opened || closed_) co_return;
  struct Opening {
    bool& flag;
    explicit Opening(bool& which) : flag(which) { flag = true; }
    ~Opening() { flag = false; }
  } opening(opening_);
  transport.on_binary([this](std::string_view bytes) { take_binary(bytes); });
  co_await transport.open_socket("/ws?clientId=" + percent_encode(id));
  // Previews that say whose they are.
  co_await transport.send_message(R"({"type":"feature_flags","data":{"supports_preview_metadata":true}})");
  if (closed_) {
    transport.close_socket();
    co_return;
  }
  opened = wants_socket_ = true;
  pause_.cancel();
  start_watching();
}

void Client::State::follow(const std::shared_ptr<Job::State>& job) {
  jobs[job->id] = job;
  start_watching();
  start_looking();
}

void Client::State::forget(const std::shared_ptr<Job::State>& job) {
  const auto at = jobs.find(job->id);
  if (at != jobs.end() && at->second.lock() == job) jobs.erase(at);
}

void Client::State::rename(const std::shared_ptr<Job::State>& job, const std::string& name) {
  forget(job);
  job->id = name;
  jobs[name] = job;
}

void Client::State::start_watching() {
  if (watching_ || closed_) return;
  watching_ = true;
  asio::co_spawn(
      io,
      [self = shared_from_this()]() -> asio::awaitable<void> {
        try {
          co_await self->watch();
        } catch (...) {
          self->fail_all(std::current_exception());
        }
        self->watching_ = false;
      },
      asio::detached);
}

void Client::State::close() {
  closed_ = true;
  fail_all(std::make_exception_ptr(Unavailable("the client was closed")));
  pause_.cancel();
  silence_.cancel();
  transport.close_socket();
}

/// Hears of jobs over the socket; opens it again when it breaks. Without one it asks for their ends, until there are no more.
asio::awaitable<void> Client::State::watch() {
  auto again = options.first;
  auto answered = Clock::now();
  while (!closed_) {
    while (opened) {
      const auto message = co_await transport.read_message();
      if (message) take_message(*message);
      else opened = false;
      answered = Clock::now();
    }
    if (closed_) co_return;
    if (!wants_socket_ && open_jobs().empty()) co_return;
    co_await wait(wants_socket_ ? shortened(again) : std::chrono::milliseconds(kAskTime));
    if (closed_ || opened) continue;
    try {
      if (wants_socket_) {
        again = std::min(2 * again, options.longest);
        try {
          co_await open();
          again = options.first;
        } catch (const Unavailable&) {
          // no socket yet: is anybody there at all?
        }
      }
      co_await look_up_all();  // what went unheard
      answered = Clock::now();
    } catch (const Forbidden&) {
      wants_socket_ = false;
      throw;
    } catch (const Error&) {
      // Away, or a proxy answers for it.
      if (Clock::now() - answered < options.patience) continue;
      wants_socket_ = false;
      throw;
    }
  }
}

asio::awaitable<void> Client::State::wait(std::chrono::milliseconds time) {
  pause_.expires_after(time);
  boost::system::error_code ignored;
  co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> Client::State::wait_a_moment() {
  asio::steady_timer timer(io, kMoment);
  co_await timer.async_wait(asio::use_awaitable);
}

/// By up to a half, so that the clients of a server that comes back do not come at once.
std::chrono::milliseconds Client::State::shortened(std::chrono::milliseconds time) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(std::uniform_int_distribution<std::chrono::milliseconds::rep>(time.count() / 2, time.count())(random));
}

asio::awaitable<void> Client::State::look_up_all() {
  std::vector<std::shared_ptr<Job::State>> all;
  for (auto& job : open_jobs())
    if (job->submitted) all.push_back(std::move(job));
  // First the queue, then the history: a job goes from the one to the other.
  const auto reply = co_await transport.get("/queue");
  const json::object queue = object_of(reply, "/queue");
  std::set<std::string, std::less<>> there;
  for (const char* key : {"queue_running", "queue_pending"})
    if (const auto* list = find_array(queue, key))
      for (const auto& item : *list)
        if (const auto* parts = item.if_array(); parts && parts->size() > 1 && (*parts)[1].is_string())
          there.emplace((*parts)[1].get_string());
  for (const auto& job : all) {
    const std::string name = job->id;
    if (job->events.over() || there.contains(name)) continue;
    const auto entry = co_await entry_of(name);
    if (job->events.over()) continue;
    job->push(entry ? job->events.take_history(*entry) : job->events.take_loss());
    forget(job);
  }
}

std::vector<std::shared_ptr<Job::State>> Client::State::open_jobs() {
  std::vector<std::shared_ptr<Job::State>> open;
  for (auto at = jobs.begin(); at != jobs.end();) {
    auto job = at->second.lock();
    if (!job || job->events.over()) {
      at = jobs.erase(at);
      continue;
    }
    open.push_back(std::move(job));
    ++at;
  }
  return open;
}

void Client::State::fail_all(const std::exception_ptr& why) {
  for (const auto& job : open_jobs()) job->fail(why);
  jobs.clear();
}

std::shared_ptr<Job::State> Client::State::job_of(const std::string& name) {
  const auto at = jobs.find(name);
  if (at == jobs.end()) return nullptr;
  auto job = at->second.lock();
  if (!job) jobs.erase(at);
  return job;
}

void Client::State::take_message(const std::string& text) {
  json::value value;
  try {
    value = parse_json(text);
  } catch (const Error&) {
    return;  // a pack's message may be anything
  }
  const auto* message = value.if_object();
  const auto* data = message ? find_object(*message, "data") : nullptr;
  if (!data) return;
  const std::string type = string_or(*message, "type", "");
  const std::string name = string_or(*data, "prompt_id", "");
  const auto job = job_of(name);
  if (!job) return;
  talked_of_ = name;
  job->heard = Clock::now();
  job->push(job->events.take(type, *data));
  if (job->events.over()) forget(job);
}

void Client::State::take_binary(std::string_view bytes) {
  auto message = read_binary(bytes);
  if (!message) return;
  const auto job = job_of(message->prompt_id.empty() ? talked_of_ : message->prompt_id);
  if (!job) return;
  if (message->kind == BinaryMessage::Kind::kText) job->push({NodeText{std::move(message->node), std::move(message->body)}});
  else
    job->push({PreviewImage{message->node.empty() ? job->events.running() : std::move(message->node), std::move(message->content_type),
                            std::move(message->body)}});
}

/// A job that is deleted while it waits says nothing more, and one whose messages another socket of this client id hears is silent too:
/// those of which nothing was heard for a while are asked for.
void Client::State::start_looking() {
  if (looking_ || closed_) return;
  looking_ = true;
  asio::co_spawn(
      io,
      [self = shared_from_this()]() -> asio::awaitable<void> {
        co_await self->look_for_silent();
        self->looking_ = false;
      },
      asio::detached);
}

asio::awaitable<void> Client::State::look_for_silent() {
  const auto is_silent = [](const auto& job) { return Clock::now() - job->heard >= kSilentTime; };
  for (;;) {
    silence_.expires_after(kSilentTime);
    boost::system::error_code ignored;
    co_await silence_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto all = open_jobs();
    if (closed_ || all.empty()) co_return;
    if (!opened || std::ranges::none_of(all, is_silent)) continue;  // without a socket watch() asks
    try {
      co_await look_up_all();
    } catch (const Error&) {
      // next time
    }
  }
}

asio::awaitable<std::optional<json::object>> Client::State::entry_of(const std::string& name) {
  const auto reply = co_await transport.get("/history/" + percent_encode(name));
  const json::object all = object_of(reply, "the history");
  const auto* entry = find_object(all, name);
  co_return entry ? std::optional(*entry) : std::nullopt;
}

void Client::State::expect_ok(const Transport::Reply& reply, std::string_view what) {
  if (reply.status == 200) return;
  const std::string words = words_of(reply.body);
  const std::string text = fmt::format("the server answered {} with {}{}", what, reply.status, words.empty() ? "" : ": " + words);
  switch (reply.status) {
    case 400: throw InvalidInput(text);
    case 403: throw Forbidden(text);
    case 404: throw NotFound(text);
    case 409: throw Conflict(text);
    case 413: throw TooLarge(text);
    default: throw Unavailable(text);
  }
}

json::object Client::State::object_of(const Transport::Reply& reply, std::string_view what) {
  expect_ok(reply, what);
  json::value value = reply.as_json();
  if (!value.is_object()) throw Unavailable(fmt::format("the server answered {} with something that is no object", what));
  return std::move(value.get_object());
}

}  // namespace darkroom::client
