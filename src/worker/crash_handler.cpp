#include "worker/crash_handler.hpp"

#include <csignal>
#include <ctime>

namespace darkroom {
namespace {

constexpr timespec kLastWords{0, 50'000'000};
constexpr std::size_t kStackBytes = 1 << 16;

/// Only what is safe in a signal handler: sleep, give the signal back its default action, and meet it again.
void hold_still(int signal) {
  ::nanosleep(&kLastWords, nullptr);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

void install_crash_handler() {
  // The main thread's overflowing stack can't run a handler; the other threads that overflow die at once, as before.
  static char stack[kStackBytes];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  ::sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = hold_still;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

}  // namespace darkroom
