#pragma once
// The running server: makes its parts in order, ties them together, and takes them down again. One io thread runs it all;
// what blocks goes to the pool.

#include <memory>

#include "gateway/options.hpp"

namespace darkroom {

class Gateway {
 public:
  /// Binds the port first, so that clients may connect at once, then opens the database and the folders.
  /// Throws Error with one clear line: a port that is taken, a folder that can't be written, a newer database.
  explicit Gateway(Options options);
  ~Gateway();

  /// Serves until SIGTERM or SIGINT, then: takes nothing new, lets workers end or hand back their jobs, finishes replies.
  /// Returns the exit status within 10 s of the signal.
  int run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace darkroom
