#include "worker/worker_main.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/log.hpp"
#include "worker/crash_handler.hpp"
#include "worker/memory.hpp"
#include "worker/node.hpp"
#include "worker/worker.hpp"

namespace darkroom {
namespace {

/// The number of 0 or more after `flag`, if there is one.
std::optional<int> number_after(std::string_view flag, int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (flag != argv[i]) continue;
    const std::string_view text = argv[i + 1];
    int number = -1;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec == std::errc{} && end.ptr == text.data() + text.size() && number >= 0) return number;
  }
  return std::nullopt;
}

bool is_socket(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int worker_main(int argc, char** argv, const std::function<void(Registry&)>& add_nodes,
                std::function<void(Registry&, const Folders&, PackLink&)> load_packs) {
  install_crash_handler();
  tune_allocator();
  // The gateway decides when a worker ends: by `stop`, by closing the socket, or by dying itself. A Ctrl-C that reaches the
  // whole process group must not end a node before its job is handed back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  log::setup("worker", "INFO");
  const auto fd = number_after("--fd", argc, argv);
  if (!fd || !is_socket(*fd)) {
    std::fprintf(stderr, "usage: %s [--gpu N] [--door N] --fd N\nfd: a connected socket; `darkroom serve` starts workers by itself.\n",
                 argc > 0 ? argv[0] : "darkroom-worker");
    return 2;
  }
  auto door = number_after("--door", argc, argv);
  if (door && !is_socket(*door)) door.reset();
  // Programs that packs start are not to hold them open.
  for (const int inherited : {*fd, door.value_or(*fd)}) ::fcntl(inherited, F_SETFD, FD_CLOEXEC);
  Registry registry;
  add_nodes(registry);
  Worker worker(*fd, registry, open_device(number_after("--gpu", argc, argv)), std::move(load_packs), door.value_or(-1));
  const int status = worker.run();
  // A node that never ends and threads of libraries may still be there: nothing of them is worth waiting for.
  std::_Exit(status);
}

}  // namespace darkroom
