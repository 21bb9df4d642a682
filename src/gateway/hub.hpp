#pragma once
// Who listens: WebSocket sessions by client id, and the one way by which messages reach them.
// Lives on the io thread. A slow or dead session never delays another: each has a bounded queue of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

/// One message, serialised once and shared by every session that gets it.
struct Frame {
  enum class Kind {
    kOrdinary,  ///< never dropped while the session lives
    kPreview,   ///< over the soft limit only the newest of its `key` stays
    kProgress,  ///< the same: `progress` of a node
  };
  std::shared_ptr<const std::string> payload;
  bool binary = false;
  Kind kind = Kind::kOrdinary;
  std::string key;  ///< what a newer frame replaces: prompt and node

  /// `{"type": type, "data": data}`
  static Frame message(std::string_view type, const json::object& data);
  static Frame text(std::string payload);
  static Frame bytes(std::string payload);
};

/// What a client asked for when it opened its socket.
struct Handshake {
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
  std::string accept_language;
  std::string owner = "local";                             ///< whose jobs it may see
  std::string token_id;                                    ///< of the API token that it was opened with
  std::int64_t expires = 0;                                ///< of the token, seconds since 1970; 0: never
  /// The first of that name, or null.
  const std::string* query_value(std::string_view name) const;
};

/// A connected client, as the hub sees it. The session object is owned by its connection.
class HubSession {
 public:
  virtual ~HubSession() = default;
  virtual void send(const Frame& frame) = 0;  ///< queues it; never blocks
  virtual const std::string& client_id() const = 0;
  virtual bool supports_preview_metadata() const = 0;
  virtual void close(std::uint16_t code) = 0;  ///< says why, and drops the connection a second later at most
  virtual void finish(std::uint16_t code) { close(code); }  ///< the same, once all that is queued has been sent
  virtual const Handshake& handshake() const;

 private:
  friend class Hub;
  std::size_t slot_ = 0;       ///< index in Hub::sessions_
  std::size_t room_slot_ = 0;  ///< index in Hub::Room::sessions
};

struct HubLimits {
  /// Limit: what waits for one WebSocket client unthinned, bytes. Beyond: only the newest preview and progress of each node are kept. Fixed: a slow
  /// viewer should see what is new. Edge: SendQueue.OverTheSoftLimitOnlyTheNewestOfANodeStays.
  std::size_t soft_bytes = 1u << 20;
  /// Limit: what waits for one WebSocket client, bytes. Beyond: it is closed with 1013. Fixed: bounds the memory of one client. Edge:
  /// SendQueue.RefusesOverTheHardLimit.
  std::size_t hard_bytes = 16u << 20;
};

class Hub {
 public:
  // `room`: of the user whose job it is (storage/user_room.hpp). Nobody hears what is said in another's.
  /// Registers a session; a newer one of the same room and id replaces the older, which stays open but gets nothing for that id.
  void connect(HubSession& session);
  /// Only the registered session of an id is removed (protocol.md §4.1: not as the original).
  void disconnect(HubSession& session);

  HubSession* find(std::string_view room, const std::string& client_id) const;
  void send(std::string_view room, const std::string& client_id, const Frame& frame);  ///< dropped when nobody of that id is connected
  void broadcast(const Frame& frame);                           ///< to every connected session, replaced ones too
  void broadcast(std::string_view room, const Frame& frame);    ///< to every one of a room
  /// A broadcast in pieces: to at most `count` sessions before `place`, the last ones first. Returns the place to go on from, 0 at the end;
  /// the first one is size(). Who leaves in between takes nobody else's turn away.
  std::size_t broadcast_before(std::size_t place, std::size_t count, const std::function<Frame(std::string_view room)>& frame_for) const;
  bool anybody_in(std::string_view room) const { return rooms_.contains(room); }
  /// Calls `visit(room)` for every room that somebody is in.
  template <class Visit>
  void each_room(Visit visit) const {
    for (const auto& [room, all] : rooms_) visit(room);
  }
  std::size_t size() const { return sessions_.size(); }
  /// What clients missed because they read too slowly.
  struct Losses {
    std::uint64_t thinned = 0;   ///< frames that a newer one replaced
    std::uint64_t too_slow = 0;  ///< sessions that were closed for it
  } losses;
  /// Closes the sessions that `is_over` (1008).
  void close_if(const std::function<bool(const Handshake&)>& is_over);
  /// Closes every session: the server is going away (1001).
  void close_all();
  /// Called when the registered session of an id is gone: subscriptions of that id end.
  void on_disconnect(std::function<void(const std::string& client_id)> listener) { gone_.push_back(std::move(listener)); }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Room {
    std::unordered_map<std::string, HubSession*> by_id;
    std::vector<HubSession*> sessions;
  };
  static void remove(std::vector<HubSession*>& from, HubSession& session, std::size_t HubSession::* slot);

  std::unordered_map<std::string, Room, TextHash, std::equal_to<>> rooms_;
  std::vector<HubSession*> sessions_;
  std::vector<std::function<void(const std::string&)>> gone_;
};

}  // namespace darkroom
