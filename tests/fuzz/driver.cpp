// The program around a fuzz target: seeds, then mutations of them until the time is over. See README.md.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fuzz.hpp"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongest = 1u << 20;  ///< bytes of an input
constexpr unsigned kHangSeconds = 5;

// What the last words need: no allocation is possible there.
const std::string* current = nullptr;
char crash_file[256] = "crash";

void keep_input() {
  if (!current) return;
  const int file = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  [[maybe_unused]] const auto written = ::write(file, current->data(), current->size());
  ::close(file);
  const auto say = [](const char* text) { [[maybe_unused]] const auto said = ::write(STDERR_FILENO, text, std::strlen(text)); };
  say("the input is kept in ");
  say(crash_file);
  say("\n");
  current = nullptr;
}

void on_signal(int number) {
  keep_input();
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void on_hang(int) {
  [[maybe_unused]] const auto said = ::write(STDERR_FILENO, "an input takes too long\n", 24);
  keep_input();
  ::_exit(1);
}

void run(const std::string& input) {
  current = &input;
  ::alarm(kHangSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  ::alarm(0);
  current = nullptr;
}

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::vector<std::string> words, unsigned seed)
      : seeds_(std::move(seeds)), words_(std::move(words)), random_(seed) {}

  std::string next() {
    std::string input = seeds_[below(seeds_.size())];
    for (std::size_t times = 1 + below(6); times > 0; --times) mutate(input);
    if (input.size() > kLongest) input.resize(kLongest);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  void mutate(std::string& input) {
    const std::size_t at = below(input.size() + 1);
    const std::size_t length = std::min(below(below(4) == 0 ? 4096 : 16) + 1, input.size() - at);
    switch (below(8)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random_());
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 2: input.erase(at, length); break;
      case 3: input.insert(below(input.size() + 1), input.substr(at, length)); break;
      case 4: input.insert(at, std::string(1 + below(below(8) == 0 ? 3000 : 8), static_cast<char>(random_()))); break;
      case 5:
        if (!words_.empty()) input.insert(at, words_[below(words_.size())]);
        break;
      case 6:
        if (!words_.empty()) input.replace(at, length, words_[below(words_.size())]);
        break;
      default: {
        const std::string& other = seeds_[below(seeds_.size())];
        input = input.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }

  std::vector<std::string> seeds_, words_;
  std::mt19937 random_;
};

void add_files(std::vector<std::string>& seeds, const fs::path& path) {
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) add_files(seeds, entry.path());
    return;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s can't be read\n", path.c_str());
    std::exit(2);
  }
  seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace

namespace darkroom {
void fuzz_fault(const char* what) {
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}
}  // namespace darkroom

int main(int argc, char** argv) {
  double seconds = 5;
  unsigned seed = 1;
  std::vector<std::string> seeds = fuzz_seeds();
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--seconds" && i + 1 < argc) seconds = std::atof(argv[++i]);
    else if (word == "--seed" && i + 1 < argc) seed = static_cast<unsigned>(std::atol(argv[++i]));
    else if (word.starts_with("-")) return std::fprintf(stderr, "usage: %s [--seconds N] [--seed N] [FILE or FOLDER ...]\n", argv[0]), 2;
    else add_files(seeds, argv[i]);
  }
  if (seeds.empty()) seeds.emplace_back();
  std::snprintf(crash_file, sizeof crash_file, "crash-%s", fs::path(argv[0]).filename().c_str());
  ::signal(SIGABRT, on_signal);
  ::signal(SIGALRM, on_hang);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_input);
  else ::signal(SIGSEGV, on_signal);

  for (const auto& input : seeds) run(input);
  Mutator mutator(seeds, fuzz_words(), seed);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::size_t count = 0;
  while (Clock::now() < end) {
    run(mutator.next());
    ++count;
  }
  std::printf("%s: %zu seeds and %zu mutations, all well\n", fs::path(argv[0]).filename().c_str(), seeds.size(), count);
  return 0;
}
