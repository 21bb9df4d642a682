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
  /// The text that the gateway answers to {"what": "queue"} (GET /queue) and {"what": "history", "prompt"?: id} (GET /history). Throws
  /// Unavailable when it does not.
  virtual std::string ask(json::object question) = 0;
  /// What runs in the worker. The client stays after the end; the node is the one that is shown, empty between prompts.
  struct Running {
    std::string client, prompt, node;
  };
  virtual Running running() const = 0;
  virtual void interrupt() = 0;            ///< cancels the job that runs, if any
  virtual bool interrupted() const = 0;    ///< is the running job to end?
  /// Code of this pack is about to be imported: whoever replaces a worker that dies of it knows why.
  virtual void importing(const std::string& pack) = 0;
  virtual void wants_prompts() = 0;        ///< a prompt handler was added after hello
  /// Members of the `hello` that is to be said: what the gateway has to know of the packs.
  virtual void announce(json::object about) = 0;
  /// What flags the server was started with: {"listen", "port", ...}, by the names that ComfyUI's args have.
  virtual const json::object& server() const = 0;
  /// Descriptor of the socket over which the gateway hands over connections for routes of packs, one a message; -1 for none.
  virtual int door() const = 0;
};

}  // namespace darkroom
