#pragma once
// What API v2 keeps of users' files: an id and a hash each. The bytes are in the owner's input folder; several assets may name one file.
// Calls and their results stay on the executor of the caller.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace darkroom {

namespace asio = boost::asio;

struct AssetRow {
  std::string id, owner;
  std::string hash;       ///< blake3:<hex>
  std::int64_t size = 0;  ///< bytes
  std::string content_type;
  std::string file_path;       ///< as its sender calls it
  std::string file;            ///< in the owner's input folder
  std::int64_t created = 0;    ///< ms since 1970
  std::string submission_key;  ///< "": none was given
};

class AssetStore {
 public:
  virtual ~AssetStore() = default;

  /// On the disk when it returns. Throws Conflict where an asset younger than kKeyLifeMs has its submission key.
  virtual asio::awaitable<void> add(AssetRow row) = 0;
  virtual asio::awaitable<std::optional<AssetRow>> find(std::string owner, std::string id) = 0;
  /// The newest with these bytes.
  virtual asio::awaitable<std::optional<AssetRow>> find_by_hash(std::string owner, std::string hash) = 0;
  /// The newest with these bytes and this name.
  virtual asio::awaitable<std::optional<AssetRow>> find_reference(std::string owner, std::string hash, std::string file_path) = 0;
  virtual asio::awaitable<bool> has_key(std::string owner, std::string submission_key) = 0;
  struct Removed {
    bool there = false;
    bool file_is_free = false;  ///< no other asset of the owner names its file
  };
  virtual asio::awaitable<Removed> remove(std::string owner, std::string id) = 0;
};

}  // namespace darkroom
