#include "client/client_state.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace darkroom::client {
namespace {

constexpr auto kAskTime = std::chrono::seconds(1);      ///< between two looks into the history without a socket
constexpr auto kDeletedTime = std::chrono::seconds(5);  ///< between two looks for jobs that were deleted while they waited

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
      pause_(io) {
  transport.use_token(options.token);
}

asio::awaitable<void> Client::State::open() {
  wants_socket_ = true;
  transport.on_binary([this](std::string_view bytes) { take_binary(bytes); });
  try {
    co_await transport.open_socket("/ws?clientId=" + percent_encode(id));
  } catch (...) {
    wants_socket_ = false;
    throw;
  }
  // Previews that say whose they are.
  co_await transport.send_message(R"({"type":"feature_flags","data":{"supports_preview_metadata":true}})");
  opened = true;
  pause_.cancel();
  start_watching();
}

void Client::State::follow(const std::shared_ptr<Job::State>& job) {
  jobs[job->id] = job;
  start_watching();
}

void Client::State::rename(const std::shared_ptr<Job::State>& job, const std::string& name) {
  forget(job->id);
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
          wants_socket_ = true;  // the next round tries it again
        }
      }
      co_await look_up_all();  // what went unheard
      answered = Clock::now();
    } catch (const Unavailable&) {
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

/// By up to a half, so that the clients of a server that comes back do not come at once.
std::chrono::milliseconds Client::State::shortened(std::chrono::milliseconds time) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(std::uniform_int_distribution<std::chrono::milliseconds::rep>(time.count() / 2, time.count())(random));
}

asio::awaitable<void> Client::State::look_up_all() {
  const auto all = open_jobs();
  for (const auto& job : all)
    if (!job->events.over() && job->submitted) co_await look_up(job);
  if (all.empty() && wants_socket_ && !opened) co_await transport.get("/prompt");  // is anybody there?
}

asio::awaitable<void> Client::State::look_up(std::shared_ptr<Job::State> job) {
  const std::string name = job->id;  // also while it waits for the answer
  if (const auto entry = co_await entry_of(name)) {
    job->push(job->events.take_history(*entry));
    forget(name);
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
  if (type == "status") return on_status();
  const std::string name = string_or(*data, "prompt_id", "");
  const auto job = job_of(name);
  if (!job) return;
  talked_of_ = name;
  job->heard = true;
  job->push(job->events.take(type, *data));
  if (job->events.over()) forget(name);
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

/// A job that is deleted while it waits says nothing more; the queue is told to have changed.
void Client::State::on_status() {
  queue_changed_ = true;
  if (looking_for_deleted_) return;
  looking_for_deleted_ = true;
  asio::co_spawn(
      io,
      [self = shared_from_this()]() -> asio::awaitable<void> {
        try {
          co_await self->on_changes();
        } catch (const Error&) {
          // The coroutine that reads will notice too.
        }
        self->looking_for_deleted_ = false;
      },
      asio::detached);
}

asio::awaitable<void> Client::State::on_changes() {
  while (queue_changed_ && !closed_) {
    queue_changed_ = false;
    asio::steady_timer timer(io, kDeletedTime);
    co_await timer.async_wait(asio::use_awaitable);
    if (!closed_) co_await look_for_deleted();
  }
}

asio::awaitable<void> Client::State::look_for_deleted() {
  std::vector<std::shared_ptr<Job::State>> silent;
  for (const auto& job : open_jobs())
    if (job->submitted && !job->heard) silent.push_back(job);
  if (silent.empty()) co_return;
  const auto reply = co_await transport.get("/queue");
  expect_ok(reply, "/queue");
  for (const auto& job : silent) {
    if (job->heard || reply.body.find(job->id) != std::string::npos) continue;
    co_await look_up(job);
    if (!job->events.over() && !job->heard) {
      job->push(job->events.take_deletion());
      forget(job->id);
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
