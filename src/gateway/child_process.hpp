#pragma once
// A child process with one inherited socket: started, watched and reaped. It never outlives this process.

#include <sys/types.h>

#include <string>
#include <vector>

namespace darkroom {

struct ExitStatus {
  bool exited = true;  ///< false: ended by a signal
  int code = 0;        ///< exit status, or the signal's number
  std::string describe() const;  ///< "exit status 127 (could not be executed)", "signal 9 (Killed)"
};

struct Child {
  pid_t pid = -1;
  int pid_fd = -1;  ///< becomes readable when the process has ended
  int socket = -1;  ///< our end of the socket pair, non-blocking
  int door = -1;    ///< our end of the second one, over which descriptors are passed on; -1 for none
};

enum class Door { kNone, kOpen };

/// Starts `program arguments... --fd N`, where N is its end of a socket pair; with a door also `--door N`. It gets nothing else that is
/// open here. Throws Unavailable when there are no processes or descriptors left.
Child spawn_with_socket(const std::string& program, const std::vector<std::string>& arguments = {}, Door door = Door::kNone);

/// Takes the exit status of a process that has ended (its pid_fd is readable).
ExitStatus reap(pid_t pid);

}  // namespace darkroom
