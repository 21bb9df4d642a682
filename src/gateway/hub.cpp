#include "gateway/hub.hpp"

#include <algorithm>
#include <utility>

#include "storage/user_room.hpp"

namespace darkroom {

Frame Frame::message(std::string_view type, const json::object& data) {
  std::string text;
  text.reserve(256);
  text += "{\"type\":";
  dump_to(text, json::value(type));
  text += ",\"data\":";
  dump_to(text, data);
  text += '}';
  return Frame::text(std::move(text));
}

Frame Frame::text(std::string payload) { return {std::make_shared<const std::string>(std::move(payload)), false, Kind::kOrdinary, {}}; }

Frame Frame::bytes(std::string payload) { return {std::make_shared<const std::string>(std::move(payload)), true, Kind::kOrdinary, {}}; }

const std::string* Handshake::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

const Handshake& HubSession::handshake() const {
  static const Handshake none;
  return none;
}

void Hub::connect(HubSession& session) {
  Room& room = rooms_[std::string(room_of(session.handshake().owner))];
  room.by_id[session.client_id()] = &session;
  session.slot_ = sessions_.size();
  sessions_.push_back(&session);
  session.room_slot_ = room.sessions.size();
  room.sessions.push_back(&session);
}

void Hub::remove(std::vector<HubSession*>& from, HubSession& session, std::size_t HubSession::* slot) {
  from[session.*slot] = from.back();
  from[session.*slot]->*slot = session.*slot;
  from.pop_back();
}

void Hub::disconnect(HubSession& session) {
  if (session.slot_ >= sessions_.size() || sessions_[session.slot_] != &session) return;
  remove(sessions_, session, &HubSession::slot_);
  const auto found = rooms_.find(room_of(session.handshake().owner));
  Room& room = found->second;
  remove(room.sessions, session, &HubSession::room_slot_);

  const auto registered = room.by_id.find(session.client_id());
  const bool was_registered = registered != room.by_id.end() && registered->second == &session;
  if (was_registered) room.by_id.erase(registered);
  if (room.sessions.empty()) rooms_.erase(found);
  if (was_registered)
    for (const auto& listener : gone_) listener(session.client_id());
}

HubSession* Hub::find(std::string_view room, const std::string& client_id) const {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return nullptr;
  const auto found = place->second.by_id.find(client_id);
  return found == place->second.by_id.end() ? nullptr : found->second;
}

void Hub::send(std::string_view room, const std::string& client_id, const Frame& frame) {
  if (auto* session = find(room, client_id)) session->send(frame);
}

void Hub::broadcast(std::string_view room, const Frame& frame) {
  const auto place = rooms_.find(room);
  if (place == rooms_.end()) return;
  for (auto* session : place->second.sessions) session->send(frame);
}

void Hub::broadcast(const Frame& frame) {
  for (auto* session : sessions_) session->send(frame);
}

std::size_t Hub::broadcast_before(std::size_t place, std::size_t count,
                                  const std::function<Frame(std::string_view room)>& frame_for) const {
  place = std::min(place, sessions_.size());
  for (; place > 0 && count > 0; --count) {
    HubSession& session = *sessions_[--place];
    session.send(frame_for(room_of(session.handshake().owner)));
  }
  return place;
}

void Hub::close_if(const std::function<bool(const Handshake&)>& is_over) {
  for (auto* session : sessions_)
    if (is_over(session->handshake())) session->close(1008);
}

void Hub::close_all() {
  for (auto* session : sessions_) session->close(1001);
}

}  // namespace darkroom
