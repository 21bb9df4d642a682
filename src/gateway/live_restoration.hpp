#pragma once
// One restoration that has not ended: its record, its numbered messages, and who watches it. Made with its upload, its job or at the
// start of the server; gone when its end has been told. Lives on the io thread.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/restoration_store.hpp"
#include "gateway/hub.hpp"
#include "restoration/message.hpp"
#include "restoration/facts.hpp"
#include "restoration/tracker.hpp"

namespace darkroom {

/// Somebody who watches. The session is owned by its connection and taken out by the hub's on_disconnect.
struct Viewer {
  HubSession* session = nullptr;
  restoration::Language language = restoration::Language::kEnglish;
  std::int64_t from = 0;  ///< messages after this number are wanted
};

/// A message with its number; its texts are made once per language.
class NumberedMessage {
 public:
  NumberedMessage(std::int64_t seq, json::object kept) : seq_(seq), kept_(std::move(kept)) {}
  std::int64_t seq() const { return seq_; }
  const json::object& kept() const { return kept_; }
  /// `address`: what becomes of addresses in it; none: they stay.
  const Frame& frame(const std::string& job_id, restoration::Language language, const std::function<std::string(std::string)>& address = {});

 private:
  std::int64_t seq_;
  json::object kept_;
  std::array<std::optional<Frame>, 2> frames_;
};

class LiveRestoration {
 public:
  /// How an address of this server is told to the owner's programs: with a signature, where they may have no login.
  using PublicUrl = std::function<std::string(const std::string& owner, std::string url)>;
  LiveRestoration(restoration::Facts facts, PublicUrl public_url);

  const std::string& id() const { return facts.id; }
  bool has_ended() const { return facts.has_ended(); }

  /// Numbers a message and puts it up for storing. Minor ones that come too quickly are left out.
  void say(restoration::Message message, std::int64_t now_ms);
  /// The last message: complete, or an error.
  void end(std::string state, json::object kept, std::int64_t now_ms);

  /// What is not stored yet.
  bool has_unsaved() const { return !unsaved_.empty(); }
  std::vector<std::shared_ptr<NumberedMessage>> take_unsaved() { return std::exchange(unsaved_, {}); }
  RestorationRow row() const;
  /// Stored: viewers may have it now, and so may those who come later.
  void tell(std::vector<std::shared_ptr<NumberedMessage>> stored);
  /// Messages of an earlier run of the server.
  void restore(const std::vector<RestorationMessage>& stored);

  void add(Viewer viewer);  ///< sends what it has missed
  void remove(const HubSession& session);
  std::size_t viewers() const { return viewers_.size(); }
  std::int64_t last_said() const { return last_said_; }

  restoration::Facts facts;
  restoration::Tracker tracker;
  std::string job_id;              ///< set once the job is in the queue
  std::int64_t position = 0;       ///< in the queue, from 1; 0 when it does not wait
  std::string preview, attention;  ///< encoded pictures of the work so far
  json::object preview_place;      ///< of the next preview: x, y, width, height
  json::object memory;             ///< of the workers, as last looked at
  bool storing = false;            ///< a coroutine of the desk brings its messages to the store
  bool cancelled = false;          ///< asked to end
  bool taken_up = false;           ///< left by an earlier run of the server
  int missed = 0;                  ///< looks that found its job nowhere

 private:
  void number(json::object kept, std::int64_t now_ms);

  const Frame& frame_of(NumberedMessage& message, restoration::Language language) const { return message.frame(id(), language, address_); }

  std::function<std::string(std::string)> address_;  ///< none for users who need no signature
  std::vector<std::shared_ptr<NumberedMessage>> messages_, unsaved_;
  std::vector<Viewer> viewers_;
  std::int64_t last_said_ = 0;
};

}  // namespace darkroom
