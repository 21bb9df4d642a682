#pragma once
// What --auth FILE says: whose tokens are believed, and who runs this server. The file is YAML (docs/hosting.md), or simply a key in PEM
// form or a JWKS. It and the files that it names are read again when they change, so that keys can be rotated.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "identity/jwt.hpp"

namespace darkroom {

/// One state of the file.
struct AuthFile {
  std::vector<JwtKey> keys;
  JwtRules rules;
  std::set<std::string, std::less<>> admins;
  std::vector<std::filesystem::path> files;  ///< this one and those that it names

  /// Throws InvalidInput with the file and line of a fault, NotFound for a file that is not there.
  static AuthFile read(const std::filesystem::path& file);
  /// The first key that can sign. Throws InvalidInput when there is none.
  const JwtKey& signing_key() const;
};

class Authority {
 public:
  explicit Authority(std::filesystem::path file);

  /// Who bears this JSON web token, at `now` (seconds since 1970). Throws BadToken.
  JwtClaims verify(std::string_view token, std::int64_t now);
  /// Reads the file again if it has changed; looks at most once a second.
  void refresh(std::int64_t now);
  /// How many tokens are remembered.
  std::size_t remembered() const { return believed_.size(); }
  /// Is it one who may do what concerns the whole server?
  bool is_admin(std::string_view user) const { return file_.admins.contains(user); }

 private:
  std::vector<std::int64_t> times() const;

  std::filesystem::path path_;
  AuthFile file_;
  std::vector<std::int64_t> times_;  ///< of change, of file_.files
  std::int64_t looked_ = 0;          ///< when, seconds
  std::unordered_map<std::string, JwtClaims> believed_;  ///< tokens whose signature has been checked, by the hash of their text
};

}  // namespace darkroom
