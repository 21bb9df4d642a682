#pragma once
// What packs may use of their worker beside the calls of their nodes.

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"

namespace darkroom {

/// Owned by the worker; outlives every pack. Any thread may call it.
class PackLink {
 public:
  virtual ~PackLink() = default;

  /// A message outside of any job: to the client `sid`, without one to everybody.
  virtual void send(std::string type, json::value data, std::optional<std::string> sid) = 0;
  /// The same in binary. Waits while the gateway reads more slowly than such messages come.
  virtual void send_binary(std::uint32_t event, std::string bytes, std::optional<std::string> sid) = 0;
  /// What the gateway answers: "queue" is the text of GET /queue. Throws Unavailable after kAskTime.
  virtual std::string ask(std::string what) = 0;
  /// Members of the `hello` that is to be said: what the gateway has to know of the packs.
  virtual void announce(json::object about) = 0;
  /// What flags the server was started with: {"listen", "port", ...}, by the names that ComfyUI's args have.
  virtual const json::object& server() const = 0;
  /// Descriptor of the socket over which the gateway hands over connections for routes of packs, one a message; -1 for none.
  virtual int door() const = 0;
};

}  // namespace darkroom
