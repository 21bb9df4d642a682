// Those who watch restorations: sockets of /ws/progress.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/restoration_desk.hpp"
#include "gateway/websocket_frames.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

std::int64_t number_of(const std::string* text) {
  if (!text || text->empty() || text->size() > 15 || text->find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::stoll(*text);
}

}  // namespace

void RestorationDesk::watch(HubSession& session) {
  const Handshake& shake = session.handshake();
  const std::string* job = shake.query_value("job");
  const std::string* lang = shake.query_value("lang");
  Watching& watching = watching_[session.client_id()];
  watching.viewer = {.session = &session, .language = restoration::choose_language(lang ? *lang : "", shake.accept_language), .from = number_of(shake.query_value("from"))};
  watching.owner = shake.owner;
  watching.id = job ? *job : "";
  if (!watching.id.empty()) {
    if (const Live one = live(watching.owner, watching.id)) return join(watching, one);
    return spawn_replay(session.client_id());
  }
  Live newest;
  for (const auto& [id, one] : live_)
    if (one->facts.owner == watching.owner && one->facts.own && (!newest || one->facts.created >= newest->facts.created)) newest = one;
  if (newest) return join(watching, newest);
  const auto ended = just_ended_.find(watching.owner);
  if (ended == just_ended_.end() || steady_ms() - ended->second.at > kJustEndedMs) return;
  watching.id = ended->second.id;
  just_ended_.erase(ended);
  spawn_replay(session.client_id());
}

void RestorationDesk::unwatch(const std::string& client_id) {
  const auto found = watching_.find(client_id);
  if (found == watching_.end()) return;
  if (const Live one = found->second.live.lock()) one->remove(*found->second.viewer.session);
  watching_.erase(found);
}

void RestorationDesk::heard(HubSession& session, const json::object& message) {
  const std::string action = string_or(message, "action", "");
  if (action == "ping") return session.send(Frame::text("{\"type\":\"pong\"}"));
  if (action != "cancel") return;
  const auto found = watching_.find(session.client_id());
  const Live one = found == watching_.end() ? nullptr : found->second.live.lock();
  if (!one) return;
  auto work = [](RestorationDesk* self, std::string owner, std::string id) -> asio::awaitable<void> { co_await self->cancel(owner, id); };
  asio::co_spawn(io_, work(this, one->facts.owner, one->id()), asio::detached);
}

void RestorationDesk::join(Watching& watching, const Live& live) {
  watching.live = live;
  watching.id = live->id();
  live->add(watching.viewer);
}

/// A restoration has come: those who waited for it, and those who waited for the next of their user.
void RestorationDesk::invite(const Live& live) {
  for (auto& [client, watching] : watching_) {
    if (watching.owner != live->facts.owner || watching.live.lock()) continue;
    if (watching.id == live->id() || (watching.id.empty() && live->facts.own)) join(watching, live);
  }
}

void RestorationDesk::spawn_replay(const std::string& client_id) { asio::co_spawn(io_, replay(client_id), asio::detached); }

/// The messages of one that has ended. One that nobody knows yet is waited for, and so is one that is to be taken up after a start.
asio::awaitable<void> RestorationDesk::replay(std::string client_id) {
  const auto watching_of = [&]() -> Watching* {
    const auto found = watching_.find(client_id);
    return found == watching_.end() || found->second.live.lock() ? nullptr : &found->second;
  };
  const Watching* first = watching_of();
  if (!first) co_return;
  const std::string owner = first->owner, id = first->id;
  const std::int64_t from = first->viewer.from;
  const auto row = co_await store_.find(owner, id);
  if (!row) {
    const auto job = co_await jobs_.job_json(owner, id);
    // It may have come meanwhile: then its viewers have been invited.
    Watching* watching = watching_of();
    if (!watching || !job) co_return;
    const json::object kept = restoration::kept_error("not_watchable", "not_watchable", {}, restoration::Stage::kUpload);
    watching->viewer.session->send(Frame::text(restoration::sent(kept, 1, id, watching->viewer.language)));
    watching->viewer.session->finish(kNormalClosure);
    co_return;
  }
  const auto stored = co_await store_.messages(owner, id, from);
  Watching* watching = watching_of();
  if (!watching) co_return;
  if (const Live one = live(owner, id)) co_return join(*watching, one);
  if (row->ended == 0) co_return;  // take_up() invites
  std::function<std::string(std::string)> address;
  if (public_url && room_of(owner) != kLocalUser) address = [&](std::string url) { return public_url(owner, std::move(url)); };
  for (const RestorationMessage& message : stored) {
    NumberedMessage numbered(message.seq, parse_json(message.body).as_object());
    watching->viewer.session->send(numbered.frame(id, watching->viewer.language, address));
  }
  watching->viewer.session->finish(kNormalClosure);
}

}  // namespace darkroom
