#pragma once
// How the messages of one job reach sockets: who gets what (protocol.md §4.4), and not before the HTTP reply of its POST
// /prompt has been written (DESIGN §8) and the end of its worker's last job told. Lives on the io thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/hub.hpp"

namespace darkroom {

/// Holds messages back until it is opened; then they go out in the order in which they came.
class MessageGate {
 public:
  explicit MessageGate(bool open) : open_(open) {}
  bool is_open() const { return open_; }
  void when_open(std::function<void()> send);
  void open();

 private:
  bool open_;
  std::vector<std::function<void()>> waiting_;
};

class JobVoice {
 public:
  /// `room`: of its owner; nobody else hears it. `has_client` false: the prompt came without a client_id.
  JobVoice(Hub& hub, std::string_view room, std::string client_id, bool has_client, std::shared_ptr<MessageGate> gate);

  const std::string& client_id() const { return client_id_; }
  const std::string& room() const { return room_; }
  /// False while its messages are held back.
  bool is_heard() const { return gate_->is_open(); }
  bool has_client() const { return has_client_; }
  /// Would anybody get it? Saves making messages for nobody. (Behind a closed gate the client may still connect.)
  bool owner_listens() const;
  bool owner_or_all_listen() const;
  /// The owner asked for previews with metadata.
  bool owner_wants_metadata() const;

  void to_owner(Frame frame);
  void to_owner_or_all(Frame frame);  ///< to every socket of the room when the prompt has no client
  void to_all(Frame frame);           ///< of the room
  void to_session(std::string sid, Frame frame);
  /// Whatever has to be made at the moment of sending.
  void later(std::function<void()> send) { gate_->when_open(std::move(send)); }

 private:
  Hub& hub_;
  std::string room_, client_id_;
  bool has_client_;
  std::shared_ptr<MessageGate> gate_;
};

}  // namespace darkroom
