#include "gateway/hub.hpp"

#include <utility>

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
  by_id_[session.client_id()] = &session;
  session.slot_ = sessions_.size();
  sessions_.push_back(&session);
}

void Hub::disconnect(HubSession& session) {
  if (session.slot_ >= sessions_.size() || sessions_[session.slot_] != &session) return;
  sessions_[session.slot_] = sessions_.back();
  sessions_[session.slot_]->slot_ = session.slot_;
  sessions_.pop_back();

  const auto registered = by_id_.find(session.client_id());
  if (registered == by_id_.end() || registered->second != &session) return;
  by_id_.erase(registered);
  for (const auto& listener : gone_) listener(session.client_id());
}

HubSession* Hub::find(const std::string& client_id) const {
  const auto found = by_id_.find(client_id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Hub::send(const std::string& client_id, const Frame& frame) {
  if (auto* session = find(client_id)) session->send(frame);
}

void Hub::broadcast(const Frame& frame) {
  for (auto* session : sessions_) session->send(frame);
}

void Hub::close_all() {
  for (auto* session : sessions_) session->close(1001);
}

}  // namespace darkroom
