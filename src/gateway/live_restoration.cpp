#include "gateway/live_restoration.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/websocket_frames.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

/// Limit: time between two messages of progress of a restoration (for every 200 that it has told it is longer by as much), ms. Beyond: those in between
/// are left out, but never a change of stage or step. Fixed: five a second look smooth, and all are kept. Edge:
/// LiveRestoration.MinorMessagesAreThinned.
constexpr std::int64_t kBetweenMinor = 200;
constexpr std::int64_t kStretchedBy = 200;

/// A kept message with its addresses as they are told.
json::object with_addresses(json::object kept, const std::function<std::string(std::string)>& address) {
  const auto change = [&](json::object& in, std::string_view name) {
    if (auto* url = in.if_contains(name); url && url->is_string()) *url = address(std::string(url->get_string()));
  };
  change(kept, "result_url");
  for (const char* picture : {"preview", "attention"})
    if (auto* place = kept.if_contains(picture); place && place->is_object()) change(place->get_object(), "url");
  return kept;
}

}  // namespace

const Frame& NumberedMessage::frame(const std::string& job_id, restoration::Language language, const std::function<std::string(std::string)>& address) {
  auto& frame = frames_[static_cast<std::size_t>(language)];
  if (!frame) frame = Frame::text(restoration::sent(address ? with_addresses(kept_, address) : kept_, seq_, job_id, language));
  return *frame;
}

LiveRestoration::LiveRestoration(restoration::Facts given, PublicUrl public_url)
    : facts(std::move(given)), tracker(restoration::stage_of(string_or(facts.last, "stage", "upload")), facts.progress) {
  if (public_url && room_of(facts.owner) != kLocalUser)
    address_ = [owner = facts.owner, public_url = std::move(public_url)](std::string url) { return public_url(owner, std::move(url)); };
}

void LiveRestoration::say(restoration::Message message, std::int64_t now_ms) {
  if (has_ended()) return;
  const std::int64_t between = kBetweenMinor * std::max<std::int64_t>(1, facts.seq / kStretchedBy);
  if (message.minor && now_ms - last_said_ < between) return;
  if (facts.state == "running" && !memory.empty()) message.extra.emplace("memory", memory);
  number(restoration::kept(message), now_ms);
}

void LiveRestoration::end(std::string state, json::object kept, std::int64_t now_ms) {
  if (has_ended()) return;
  facts.state = std::move(state);
  facts.ended = now_ms;
  position = 0;
  number(std::move(kept), now_ms);
}

void LiveRestoration::number(json::object kept, std::int64_t now_ms) {
  last_said_ = now_ms;
  const std::int64_t seq = ++facts.seq;
  for (const char* picture : {"preview", "attention"})
    if (auto* place = kept.if_contains(picture); place && place->is_object())
      place->get_object().insert_or_assign("url", restoration::result_url(id(), picture) + "?seq=" + std::to_string(seq));
  facts.last = kept;
  facts.progress = std::max(facts.progress, number_or(kept, "progress", 0));
  unsaved_.push_back(std::make_shared<NumberedMessage>(seq, std::move(kept)));
}

RestorationRow LiveRestoration::row() const {
  return {.owner = facts.owner, .id = facts.id, .ended = facts.ended, .record = dump(json::value(facts.to_json()))};
}

void LiveRestoration::tell(std::vector<std::shared_ptr<NumberedMessage>> stored) {
  for (auto& message : stored) {
    for (const Viewer& viewer : viewers_)
      if (message->seq() > viewer.from) viewer.session->send(frame_of(*message, viewer.language));
    messages_.push_back(std::move(message));
  }
  if (!has_ended() || has_unsaved()) return;
  for (const Viewer& viewer : viewers_) viewer.session->finish(kNormalClosure);
}

void LiveRestoration::restore(const std::vector<RestorationMessage>& stored) {
  for (const RestorationMessage& message : stored) {
    try {
      messages_.push_back(std::make_shared<NumberedMessage>(message.seq, parse_json(message.body).as_object()));
    } catch (const std::exception&) {
      continue;  // a damaged one harms no other
    }
    facts.seq = std::max(facts.seq, message.seq);
  }
  if (messages_.empty()) return;
  facts.last = messages_.back()->kept();
}

void LiveRestoration::add(Viewer viewer) {
  for (const auto& message : messages_)
    if (message->seq() > viewer.from) viewer.session->send(frame_of(*message, viewer.language));
  viewers_.push_back(viewer);
  if (has_ended() && !has_unsaved() && !storing) viewer.session->finish(kNormalClosure);
}

void LiveRestoration::remove(const HubSession& session) {
  std::erase_if(viewers_, [&](const Viewer& viewer) { return viewer.session == &session; });
}

}  // namespace darkroom
