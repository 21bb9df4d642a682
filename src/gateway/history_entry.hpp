#pragma once
// What an entry of the history says (protocol.md §8.1).

#include <string>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

/// How a job ended.
struct JobEnd {
  enum class Kind { kSuccess, kFailed, kInterrupted } kind = Kind::kSuccess;
  std::string fault;  ///< in words; "" after a success
};

JobEnd end_of(const json::object& entry);

/// A file that a job names.
struct NamedFile {
  std::string name, subfolder, type;  ///< type: "output", "temp" or "input"
};

/// The pictures of an entry's outputs: those that were kept, else previews.
std::vector<NamedFile> pictures_of(const json::object& entry);

}  // namespace darkroom
