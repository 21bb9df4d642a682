#include "gateway/options.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace fs = std::filesystem;

std::uint64_t parse_size(std::string_view text) {
  const std::string word = lower(trim(text));
  double number = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
  const std::string_view unit = trim(std::string_view(end, static_cast<std::size_t>(word.data() + word.size() - end)));
  constexpr std::string_view kLetters = "kmgt";
  const auto letter = unit.empty() ? std::string_view::npos : kLetters.find(unit[0]);
  const std::string_view rest = unit.substr(letter == std::string_view::npos ? 0 : 1);
  if (fault == std::errc() && (rest.empty() || rest == "b" || (rest == "ib" && letter != std::string_view::npos))) {
    const double bytes = std::ldexp(number, letter == std::string_view::npos ? 0 : static_cast<int>(letter + 1) * 10);
    if (bytes >= 0 && bytes < 1e18) return static_cast<std::uint64_t>(bytes);
  }
  throw InvalidInput("\"" + std::string(text) + "\" is not a size: write 8G, 900M or a number of bytes");
}

fs::path default_base_directory() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return fs::path(data) / "darkroom";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/var/lib") / ".local/share/darkroom";
}

void complete(Options& options) {
  std::error_code ignored;
  if (options.base_directory.empty()) options.base_directory = default_base_directory();
  for (fs::path* path : {&options.base_directory, &options.input_directory, &options.output_directory, &options.temp_directory,
                         &options.user_directory, &options.front_end_root, &options.worker_program, &options.tls_keyfile, &options.tls_certfile})
    if (!path->empty()) *path = fs::absolute(*path, ignored).lexically_normal();
  if (options.worker_program.empty()) options.worker_program = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "darkroom-worker";
}

}  // namespace darkroom
