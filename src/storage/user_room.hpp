#pragma once
// Which users share their files and hear each other's messages. `local` and the users that a ComfyUI client names itself
// (--multi-user) share all, as in ComfyUI; every other user has a room of its own, that of its files being a folder.

#include <string>
#include <string_view>

namespace darkroom {

inline constexpr std::string_view kLocalUser = "local";
/// What a name of the header comfy-user becomes as an owner of jobs.
inline constexpr std::string_view kNamedPrefix = "comfy-user:";
/// Whoever has a visitor's cookie.
inline constexpr std::string_view kVisitorPrefix = "visitor:";

/// Would this name of a user, told by a token, be taken for one of the others?
bool is_reserved_user(std::string_view user);

/// "local", or the user itself when it shares with nobody.
std::string_view room_of(std::string_view user);

/// The folder of all rooms of visitors below input, output, temp and user: storage/room_sweep.hpp clears them away.
inline constexpr std::string_view kVisitorRooms = "visitors";

/// The folder of a room below input, output, temp and user: "" for the local one, else "users/alice", or "visitors/0a1b" of "visitor:0a1b".
/// Names that are no plain words of at most 64 letters, digits, `_` and `-` become "u-" and a hash.
std::string room_folder(std::string_view user);

}  // namespace darkroom
