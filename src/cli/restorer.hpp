#pragma once
// A place where photographs are restored, one after the other: a worker of this program's own, or a server.

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "restoration/options.hpp"

namespace darkroom {

namespace asio = boost::asio;

/// How far a photograph is.
struct PhotoProgress {
  double percent = 0;                                     ///< 0 to 100
  std::string text;                                       ///< what is being done to it, in the language that was asked for
  std::optional<std::pair<double, double>> seconds_left;  ///< between the two
};
using TellProgress = std::function<void(const PhotoProgress&)>;

/// One photograph can't be restored; others may. `code`: as in docs/restore-api.md.
struct PhotoFailure : std::runtime_error {
  PhotoFailure(std::string code_of, const std::string& text) : std::runtime_error(text), code(std::move(code_of)) {}
  std::string code;
};

/// What is wanted of every photograph of a run.
struct RestoreWish {
  restoration::RestoreOptions steps;
  std::string format = "png";  ///< of the result: png, jpeg, webp
};

class Restorer {
 public:
  virtual ~Restorer() = default;
  /// Throws RunFailure when nothing can be restored here, or not with these steps.
  virtual asio::awaitable<void> start() = 0;
  /// Restores a photograph: its result as a file's bytes. Throws PhotoFailure; RunFailure when there is no use in going on.
  virtual asio::awaitable<std::string> restore(std::filesystem::path photo, TellProgress tell) = 0;
  virtual asio::awaitable<void> stop() = 0;
  /// Ends what restore() is at: it throws RunFailure(kInterrupted), at the latest some seconds later.
  virtual void interrupt() = 0;
  /// The same at once, leaving behind what has to be left.
  virtual void kill() = 0;
};

}  // namespace darkroom
