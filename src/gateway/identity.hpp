#pragma once
// Who a request is from.

#include <cstdint>
#include <string>

#include "storage/user_room.hpp"

namespace darkroom {

/// The connection that a request came by.
struct Connection {
  bool loopback = true;  ///< from this machine
  bool tls = false;
  std::string address{};  ///< of the peer
};

struct Identity {
  enum class By {
    kAddress,  ///< this machine, without auth
    kName,     ///< what a ComfyUI client says (--multi-user)
    kVisitor,  ///< a visitor's cookie
    kToken,    ///< a JSON web token or an API token, in whatever way it came: header, login, ticket
    kLink,     ///< nobody in person: one signed link
  };
  std::string user{kLocalUser};  ///< owner of jobs, files and results
  std::string name = "default";  ///< of --multi-user: whose settings
  By by = By::kAddress;
  bool admin = true;             ///< may do what concerns the whole server
  std::string token_id{};        ///< of the API token that it came with or logged in with
  std::int64_t expires = 0;      ///< of the token, seconds since 1970; 0: never
  std::string share{};           ///< whose share of uploads it takes; "": its own

  /// Its name where it is one of many who have shares; "" in the local room.
  std::string stranger() const { return has_own_room() ? user : ""; }
  /// Does it share files and messages with nobody?
  bool has_own_room() const { return room_of(user) != kLocalUser; }
};

}  // namespace darkroom
