#include "cli/server_restorer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/server_of_run.hpp"
#include "client/multipart_body.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// Limit: time that a server may be away while it restores for `darkroom restore`, s. Beyond: exit status 6. Fixed: a server that starts
/// again is back sooner, and goes on with its jobs. Edge: test_restore_command.py::test_a_server_that_stays_away.
constexpr auto kAwayTime = std::chrono::seconds(60);
constexpr auto kAgainTime = std::chrono::milliseconds(500);  ///< between two tries to reach it
constexpr int kFullTime = 5;                                 ///< until a full one is asked again, s, where it doesn't say
constexpr int kLongestPause = 3600;                          ///< whatever it says: a user's share is one of an hour
constexpr double kSentPercent = 5;                           ///< of the whole, by the stages of the service

/// "refused: why" of an error's body; its status where it has none.
std::string words_of(const Transport::Reply& reply, std::string& code) {
  try {
    const json::value body = parse_json(reply.body);
    if (const auto* error = body.if_object()) {
      code = string_or(*error, "code", "");
      if (std::string text = string_or(*error, "error", ""); !text.empty()) return text;
    }
  } catch (const Error&) {
    // a proxy's page
  }
  return fmt::format("the server answered with {}", reply.status);
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw PhotoFailure("bad_image", "It can't be opened: " + std::generic_category().message(errno));
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw PhotoFailure("bad_image", "It can't be read: " + std::generic_category().message(errno));
  return bytes;
}

class ServerRestorer final : public Restorer {
 public:
  ServerRestorer(asio::io_context& io, const RunOptions& run, RestoreWish wish)
      : io_(io), wish_(std::move(wish)), client_(transport_of(io.get_executor(), run)), pause_(io) {}

  asio::awaitable<void> start() override {
    const auto reply = co_await asked("/restore/info");
    if (reply.status != 200)
      throw RunFailure(RunStatus::kUnreachable,
                       fmt::format("the server answered /restore/info with {}: it has no photo service", reply.status));
  }

  asio::awaitable<std::string> restore(fs::path photo, TellProgress tell) override {
    id_.clear();
    std::exception_ptr fault;
    std::string result;
    try {
      co_await send(photo, tell);
      co_await watch(tell);
      result = co_await fetched();
    } catch (...) {
      fault = std::current_exception();
    }
    co_await forget();
    if (interrupted_) throw RunFailure(RunStatus::kInterrupted, "interrupted");
    if (fault) rethrow(fault);
    co_return result;
  }

  asio::awaitable<void> stop() override { co_return; }

  void interrupt() override {
    interrupted_ = true;
    pause_.cancel();
    asio::co_spawn(io_, give_up(), asio::detached);
  }

  void kill() override { std::_Exit(static_cast<int>(RunStatus::kInterrupted)); }

 private:
  [[noreturn]] static void rethrow(const std::exception_ptr& fault) {
    try {
      std::rethrow_exception(fault);
    } catch (const Unavailable& away) {
      throw RunFailure(RunStatus::kUnreachable, away.what());
    } catch (const Forbidden& refused) {
      throw RunFailure(RunStatus::kUsage, refused.what());
    }
  }

  asio::awaitable<Transport::Reply> asked(std::string target) {
    try {
      co_return co_await client_.get(std::move(target));
    } catch (...) {
      rethrow(std::current_exception());
    }
  }

  void go_on() const {
    if (interrupted_) throw RunFailure(RunStatus::kInterrupted, "interrupted");
  }

  asio::awaitable<void> pause(std::chrono::milliseconds time) {
    go_on();
    pause_.expires_after(time);
    boost::system::error_code ignored;
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    go_on();
  }

  /// Uploads it until the server has taken it. One that is full or away is asked again.
  asio::awaitable<void> send(fs::path photo, const TellProgress& tell) {
    json::object options = wish_.steps.to_json();
    if (!wish_.steps.lang.empty()) options["lang"] = wish_.steps.lang;
    const std::string name = photo.filename().string();
    const MultipartBody form =
        multipart_body({{"options", dump(json::value(options))}}, "image", is_valid_utf8(name) ? name : "photo", bytes_of(photo));
    const auto sent = [&](std::size_t bytes) {
      tell({.percent = kSentPercent * static_cast<double>(bytes) / static_cast<double>(form.body.size()),
            .text = "Sending the photo",
            .seconds_left = {}});
    };
    for (auto away_until = std::chrono::steady_clock::now() + kAwayTime;;) {
      go_on();
      id_ = uuid4();
      Transport::Reply reply;
      std::string away;
      try {
        reply = co_await client_.post("/restore?id=" + id_, form.body, form.content_type, sent);
      } catch (const Unavailable& fault) {
        if (std::chrono::steady_clock::now() > away_until) throw;
        away = fault.what();
      }
      if (reply.status == 202) co_return;
      if (!away.empty()) {
        tell({.percent = 0, .text = away + "; trying again", .seconds_left = {}});
        co_await pause(kAgainTime);
        co_await forget();  // it may have been taken all the same
        continue;
      }
      std::string code;
      const std::string words = words_of(reply, code);
      if (!has_room_soon(reply.status, code)) refuse(reply.status, code, words);
      away_until = std::chrono::steady_clock::now() + kAwayTime;
      tell({.percent = 0, .text = words + "; trying again", .seconds_left = {}});
      co_await pause(std::chrono::seconds(reply.retry_after > 0 ? std::min(reply.retry_after, kLongestPause) : kFullTime));
    }
  }

  /// Whether there will be room soon.
  static bool has_room_soon(int status, const std::string& code) {
    return (status == 429 || status == 503) && (code.empty() || code == "queue_full" || code == "too_many" || code == "unavailable");
  }

  /// What is wrong with this photograph ends this one; what is wrong with the steps or with who asks, all of them.
  [[noreturn]] static void refuse(int status, const std::string& code, const std::string& words) {
    if (code == "bad_options" || code == "nothing_to_do" || code == "no_model") throw RunFailure(RunStatus::kWorkflow, words);
    if (status == 403 || status == 404 || status == 429) throw RunFailure(RunStatus::kUnreachable, words);
    throw PhotoFailure(code.empty() ? "failed" : code, words);
  }

  /// Follows it to its end, over lost connections and new starts of the server.
  asio::awaitable<void> watch(const TellProgress& tell) {
    std::int64_t seq = 0;
    auto away_until = std::chrono::steady_clock::now() + kAwayTime;
    for (;;) {
      go_on();
      std::string away;
      try {
        const std::string lang = wish_.steps.lang.empty() ? "" : "&lang=" + wish_.steps.lang;
        co_await client_.open_socket(fmt::format("/ws/progress?job={}&from={}{}", id_, seq, lang));
        while (const auto message = co_await client_.read_message()) {
          away_until = std::chrono::steady_clock::now() + kAwayTime;
          if (is_end(*message, seq, tell)) co_return;
        }
        away = "the server closed the connection";
      } catch (const Unavailable& fault) {
        away = fault.what();
      }
      go_on();
      if (std::chrono::steady_clock::now() > away_until) throw Unavailable(away);
      co_await pause(kAgainTime);
      co_await look_for_job();
    }
  }

  /// A server that has come back may have lost it; its socket would wait for it for ever.
  asio::awaitable<void> look_for_job() {
    Transport::Reply reply;
    try {
      reply = co_await client_.get("/restore/" + id_);
    } catch (const Unavailable&) {
      co_return;  // still away
    }
    if (reply.status == 404) throw PhotoFailure("lost", "The server has lost this job");
  }

  /// Takes in one message of /ws/progress. Throws PhotoFailure for an error.
  static bool is_end(const std::string& text, std::int64_t& seq, const TellProgress& tell) {
    const json::value value = parse_json(text);
    const auto* message = value.if_object();
    if (!message || !message->contains("seq")) return false;
    seq = std::max(seq, int_or(*message, "seq", 0));
    if (const std::string error = string_or(*message, "error", ""); !error.empty())
      throw PhotoFailure(string_or(*message, "code", "failed"), error);
    PhotoProgress progress{.percent = number_or(*message, "progress", 0), .text = string_or(*message, "message", ""), .seconds_left = {}};
    if (const auto* left = find_array(*message, "seconds_left");
        left && left->size() == 2 && (*left)[0].is_number() && (*left)[1].is_number())
      progress.seconds_left = {(*left)[0].to_number<double>(), (*left)[1].to_number<double>()};
    tell(progress);
    return string_or(*message, "stage", "") == "complete";
  }

  asio::awaitable<std::string> fetched() {
    auto reply = co_await client_.get(fmt::format("/results/{}/result.png?format={}", id_, wish_.format));
    std::string code;
    if (reply.status != 200) throw PhotoFailure("failed", "Its result can't be fetched: " + words_of(reply, code));
    co_return std::move(reply.body);
  }

  /// Cancels it where it has not ended, and has it deleted. Nothing can be done about a server that is away.
  asio::awaitable<void> forget() {
    if (id_.empty()) co_return;
    try {
      for (int step = 0; step < 2; ++step) {
        const auto reply = co_await client_.remove("/restore/" + id_);
        if (reply.status != 200 || string_or(reply.as_json().as_object(), "state", "") == "forgotten") break;
      }
    } catch (const std::exception&) {
      co_return;
    }
  }

  /// A cancelled job says so over the socket; one that can't be cancelled is left.
  asio::awaitable<void> give_up() {
    co_await forget();
    client_.close_socket();
  }

  asio::io_context& io_;
  const RestoreWish wish_;
  Transport client_;
  asio::steady_timer pause_;
  std::string id_;  ///< of the photograph at work
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<Restorer> make_server_restorer(asio::io_context& io, const RunOptions& run, RestoreWish wish) {
  return std::make_unique<ServerRestorer>(io, run, std::move(wish));
}

}  // namespace darkroom
