#include "gateway/v2/event_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "base/base64.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/services.hpp"
#include "gateway/v2/jobs.hpp"
#include "gateway/v2/reply.hpp"

namespace darkroom::v2 {
namespace {

/// `ATTEMPT.SEQ` of an event that a client has seen.
struct Seen {
  int attempt = 0;
  std::int64_t seq = 0;
};

std::optional<Seen> seen_of(std::string_view id) {
  Seen seen;
  const auto dot = id.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view attempt = id.substr(0, dot), seq = id.substr(dot + 1);
  const auto whole = [](std::string_view text, auto& number) {
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    return fault == std::errc{} && end == text.data() + text.size() && !text.empty();
  };
  if (!whole(attempt, seen.attempt) || !whole(seq, seen.seq)) return std::nullopt;
  return seen;
}

bool is_terminal(const json::object& status) {
  const std::string word = string_or(status, "status", "");
  return word == "succeeded" || word == "failed" || word == "canceled" || word == "expired";
}

/// What a client that comes late needs: all outputs, and the last word on everything else, in the order of their numbers.
template <class Events>
std::vector<const NumberedEvent*> condensed(const Events& events) {
  std::unordered_map<std::string, std::int64_t> last;
  for (const NumberedEvent& event : events) last[event.name] = event.seq;
  std::vector<const NumberedEvent*> kept;
  for (const NumberedEvent& event : events)
    if (event.name == "output" || last[event.name] == event.seq) kept.push_back(&event);
  return kept;
}

}  // namespace

class EventStream final : public BodyReader {
 public:
  EventStream(std::shared_ptr<EventStreams> streams, asio::any_io_executor io, std::string user, std::string job_id, std::string base,
              std::optional<Seen> seen)
      : streams_(std::move(streams)),
        services_(streams_->services_),
        user_(std::move(user)),
        id_(std::move(job_id)),
        base_(std::move(base)),
        folders_(services_.folders.of_user(user_)),
        seen_(seen),
        timer_(io) {
    place_ = streams_->waiting_.insert(streams_->waiting_.end(), [this] { wake(); });
    ++streams_->open_of_[user_];
  }
  ~EventStream() override {
    streams_->waiting_.erase(place_);
    if (--streams_->open_of_[user_] == 0) streams_->open_of_.erase(user_);
  }

  asio::awaitable<std::string_view> read() override {
    out_.clear();
    if (!begun_) {
      begun_ = true;
      out_ = ": this is the stream of a job\n\n";
      co_return out_;
    }
    while (!over_) {
      woken_ = false;
      co_await look();
      if (!out_.empty()) co_return out_;
      if (over_ || woken_) continue;
      timer_.expires_at(std::min(due_, Clock::now() + streams_->times.ping));
      due_ = Clock::time_point::max();
      boost::system::error_code woken;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      if (woken || woken_) continue;
      out_ = ": ping\n\n";
      co_return out_;
    }
    co_return std::string_view();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void wake() {
    woken_ = true;
    timer_.cancel();
  }

  /// Writes what is new; `over_` after the last word.
  asio::awaitable<void> look() {
    const auto live = live_ && live_->has_ended() ? live_ : services_.jobs.events_of(user_, id_);
    if (live && (live->has_ended() || !live->has_left())) {
      follow(live);
      co_return;
    }
    listening_.reset();
    live_.reset();
    const auto queued = services_.jobs.broker().queued(user_, id_);
    if (queued) {
      wait_in_queue(*queued);
      co_return;
    }
    const auto entry = co_await services_.jobs.broker().history_of(user_, id_);
    if (entry) replay(*entry);
    else
      send("status", json::object{{"status", "canceled"}, {"queue_position", nullptr}}, "");  // it was taken out of the queue, or forgotten
    over_ = true;
  }

  void wait_in_queue(const Broker::Queued& queued) {
    const auto now = Clock::now();
    if (told_ && now < *told_ + streams_->times.position) {
      due_ = *told_ + streams_->times.position;
      return;
    }
    const auto position = queued.running ? std::nullopt : services_.jobs.broker().position(queued.job->ticket);
    const bool is_new = !told_ || position != position_;
    told_ = now;
    position_ = position;
    if (!is_new) return;
    send("status", json::object{{"status", "queued"}, {"queue_position", position ? json::value(*position) : json::value()}}, "");
  }

  void follow(const std::shared_ptr<JobEvents>& live) {
    if (live != live_) {
      live_ = live;
      listening_ = live->listen([this] { wake(); });
      sent_ = 0;
      preview_ = 0;
      told_.reset();  // back in the queue, it is to be said again
      if (seen_ && seen_->attempt == live->attempt()) {
        sent_ = seen_->seq;
      } else {
        for (const NumberedEvent* event : condensed(live->events())) send(*event, live->attempt());
        sent_ = live->last_seq();
      }
    }
    for (const NumberedEvent& event : live->events())
      if (event.seq > sent_) send(event, live->attempt());
    sent_ = std::max(sent_, live->last_seq());
    const JobPreview& preview = live->preview();
    if (preview.version != preview_ && !live->has_ended()) {
      preview_ = preview.version;
      send("preview",
           json::object{{"node_id", preview.node}, {"content_type", preview.content_type}, {"data_base64", base64(preview.bytes)}}, "");
    }
    over_ = live->has_ended();
  }

  void replay(const HistoryEntry& entry) {
    const auto stored = JobEvents::read(entry.events);
    if (stored && seen_ && seen_->attempt == stored->first) {
      const std::int64_t after = seen_->seq;
      for (const NumberedEvent& event : stored->second)
        if (event.seq > after || (event.name == "status" && is_terminal(event.data))) send(event, stored->first);
    } else if (stored) {
      for (const NumberedEvent* event : condensed(stored->second))
        if (event->name != "progress") send(*event, stored->first);
    } else {
      const JobFacts job = facts_of(entry);
      for (const json::object& output : job.outputs) send("output", output_json(output, id_, folders_, base_), "");
      send("status", json::object{{"status", job.status}, {"queue_position", nullptr}}, "");
    }
  }

  void send(const NumberedEvent& event, int attempt) {
    send(event.name, event.name == "output" ? output_json(event.data, id_, folders_, base_) : event.data,
         fmt::format("{}.{}", attempt, event.seq));
    seen_ = {attempt, event.seq};
  }
  void send(std::string_view name, const json::object& data, std::string_view id) {
    (out_ += "event: ") += name;
    if (!id.empty()) (out_ += "\nid: ") += id;
    (out_ += "\ndata: ") += ascii_json(data);
    out_ += "\n\n";
  }

  const std::shared_ptr<EventStreams> streams_;
  Services& services_;
  const std::string user_, id_, base_;
  const Folders folders_;
  std::optional<Seen> seen_;  ///< the last event that the client has, or will have
  asio::steady_timer timer_;
  std::list<std::function<void()>>::iterator place_;
  std::shared_ptr<JobEvents> live_;
  std::shared_ptr<void> listening_;
  std::int64_t sent_ = 0, preview_ = 0;
  std::optional<Clock::time_point> told_;  ///< when the place in the queue was looked up last
  std::optional<std::int64_t> position_;
  Clock::time_point due_ = Clock::time_point::max();
  bool begun_ = false, woken_ = false, over_ = false;
  std::string out_;
};

EventStreams::EventStreams(Services& services) : services_(services) {
  services.jobs.broker().on_change([this] {
    for (const auto& wake : waiting_) wake();
  });
}

std::shared_ptr<BodyReader> EventStreams::open(asio::any_io_executor io, std::string user, std::string job_id, std::string base,
                                               std::string_view last_seen) {
  const auto open = open_of_.find(user);
  if (open != open_of_.end() && open->second >= kOfUser) {
    Refusal refusal(429, "too_many_streams", fmt::format("{} event streams are open already", kOfUser));
    refusal.retry_after_s = 2;
    throw refusal;
  }
  return std::make_shared<EventStream>(shared_from_this(), std::move(io), std::move(user), std::move(job_id), std::move(base),
                                       seen_of(last_seen));
}

}  // namespace darkroom::v2
