#pragma once
// A download on the disk: a hidden part file beside its target that outlives the program, so that the next one goes on where it stopped.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"

namespace darkroom {

/// What the bytes of a part file are the beginning of.
struct Origin {
  std::string address, etag;          ///< etag: as the server wrote it; empty: it gave none
  std::optional<std::uint64_t> size;  ///< of the whole file, when the server said it
};

/// `.darkroom-part-NAME` beside NAME, locked while this lives, and `.darkroom-part-NAME.json` with its origin. Lists of models leave both out.
class ResumableFile {
 public:
  /// Opens what is there or makes it. Throws Conflict while another process writes it, InternalError when the folder can't be written.
  explicit ResumableFile(std::filesystem::path target);
  ~ResumableFile();  ///< what has come stays; an empty file goes
  ResumableFile(const ResumableFile&) = delete;
  ResumableFile& operator=(const ResumableFile&) = delete;

  const std::filesystem::path& target() const { return target_; }
  std::uint64_t size() const { return size_; }
  const Origin& origin() const { return origin_; }

  void restart(Origin origin);                 ///< empties it
  void write(std::string_view bytes);          ///< throws InternalError when the disk is full
  std::string sha256();                        ///< of all that is there
  std::string first_bytes(std::size_t count) const;
  /// On disk, then under the target's name. `replace`: over what is there; else throws Conflict.
  void place(bool replace);
  void discard();

 private:
  void note_origin() const;
  void read_origin();

  const std::filesystem::path target_, part_, note_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0, hashed_ = 0;  ///< hashed_ < size_: bytes of an earlier process, read again at the end
  Sha256 hash_;
  Origin origin_;
};

}  // namespace darkroom
