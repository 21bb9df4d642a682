#include "gateway/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr int kChildFd = 3;
constexpr int kChildDoor = 4;
constexpr int kExecFailed = 127;

/// Runs in the child between fork and exec: only calls that are safe there. `door`: -1 for none.
[[noreturn]] void become(const char* program, char* const* argv, int socket, int door, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExecFailed);  // the parent died before the line above
  // Copied out of the way first: either may have the other's number.
  const int copied_socket = ::fcntl(socket, F_DUPFD, kChildDoor + 1), copied_door = door < 0 ? -1 : ::fcntl(door, F_DUPFD, kChildDoor + 1);
  if (::dup2(copied_socket, kChildFd) < 0 || (door >= 0 && ::dup2(copied_door, kChildDoor) < 0)) ::_exit(kExecFailed);
  // Sockets of clients and the listening ones are not for the child: a port would stay taken as long as it lives.
  ::syscall(SYS_close_range, (door < 0 ? kChildFd : kChildDoor) + 1, ~0U, 0);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaction(number, &standard, nullptr);
  // Ctrl-C in a terminal goes to the whole group; the gateway tells its workers by a record when to stop.
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(program, argv);
  ::_exit(kExecFailed);
}

}  // namespace

std::string ExitStatus::describe() const {
  if (!exited) return "signal " + std::to_string(code) + " (" + ::strsignal(code) + ")";
  return "exit status " + std::to_string(code) + (code == kExecFailed ? " (it could not be executed)" : "");
}

Child spawn_with_socket(const std::string& program, const std::vector<std::string>& arguments, Door door) {
  int pair[2], doors[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    throw Unavailable(std::string("no socket pair for a worker: ") + std::strerror(errno));
  // Messages with bounds: each carries one descriptor.
  if (door == Door::kOpen && ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, doors) != 0) {
    const int fault = errno;
    for (const int end : pair) ::close(end);
    throw Unavailable(std::string("no socket pair for a worker: ") + std::strerror(fault));
  }
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), {"--fd", std::to_string(kChildFd)});
  if (door == Door::kOpen) words.insert(words.end(), {"--door", std::to_string(kChildDoor)});
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(program.c_str(), argv.data(), pair[1], doors[1], parent);
  const int fork_error = errno;
  const auto close_end = [](int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  };
  close_end(pair[1]);
  close_end(doors[1]);
  if (pid < 0) {
    close_end(pair[0]);
    close_end(doors[0]);
    throw Unavailable(std::string("a worker could not be started: ") + std::strerror(fork_error));
  }
  ::fcntl(pair[0], F_SETFL, ::fcntl(pair[0], F_GETFL) | O_NONBLOCK);
  const auto pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pid_fd < 0) {
    const int fault = errno;
    ::kill(pid, SIGKILL);
    reap(pid);
    close_end(pair[0]);
    close_end(doors[0]);
    throw Unavailable(std::string("a worker could not be watched: ") + std::strerror(fault));
  }
  ::fcntl(pid_fd, F_SETFD, FD_CLOEXEC);
  return {pid, pid_fd, pair[0], doors[0]};
}

ExitStatus reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {false, WTERMSIG(status)};
  return {true, WEXITSTATUS(status)};
}

}  // namespace darkroom
