#include "storage/user_room.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kLongestWord = 64;

bool is_plain_word(std::string_view user) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !user.empty() && user.size() <= kLongestWord && !user.starts_with("u-") && std::all_of(user.begin(), user.end(), fits);
}

}  // namespace

bool is_reserved_user(std::string_view user) { return user == kLocalUser || user.starts_with(kNamedPrefix) || user.starts_with(kVisitorPrefix); }

std::string_view room_of(std::string_view user) { return user.starts_with(kNamedPrefix) ? kLocalUser : user; }

std::string room_folder(std::string_view user) {
  const std::string_view room = room_of(user);
  if (room == kLocalUser) return "";
  const bool visitor = room.starts_with(kVisitorPrefix);
  const std::string_view word = visitor ? room.substr(kVisitorPrefix.size()) : room;
  return std::string(visitor ? kVisitorRooms : "users") + "/" + (is_plain_word(word) ? std::string(word) : "u-" + sha256_hex(room).substr(0, 32));
}

}  // namespace darkroom
