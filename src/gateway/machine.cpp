#include "gateway/machine.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include "base/text.hpp"

namespace darkroom {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The number in front of a text; `fallback` for "max" and for nothing.
std::uint64_t leading_number(std::string_view text, std::uint64_t fallback) {
  text = trim(text);
  std::uint64_t value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() ? value : fallback;
}

/// Limit and use of this process's cgroup (version 2, then 1); `limit` is huge where there is none.
void apply_cgroup(Memory& memory) {
  std::string folder = "/sys/fs/cgroup";
  for (const auto& line : split(content_of("/proc/self/cgroup"), '\n'))
    if (line.starts_with("0::")) folder += line.substr(3);
  std::uint64_t limit = UINT64_MAX, used = 0;
  // A limit may stand at any level above.
  for (; folder.size() >= std::string_view("/sys/fs/cgroup").size(); folder = folder.substr(0, folder.rfind('/'))) {
    const std::uint64_t here = leading_number(content_of(folder + "/memory.max"), UINT64_MAX);
    if (here < limit) {
      limit = here;
      used = leading_number(content_of(folder + "/memory.current"), 0);
    }
  }
  const std::uint64_t old_limit = leading_number(content_of("/sys/fs/cgroup/memory/memory.limit_in_bytes"), UINT64_MAX);
  if (old_limit < limit) {
    limit = old_limit;
    used = leading_number(content_of("/sys/fs/cgroup/memory/memory.usage_in_bytes"), 0);
  }
  if (limit >= memory.total) return;
  memory.total = limit;
  memory.available = std::min(memory.available, limit - std::min(used, limit));
}

}  // namespace

Memory parse_meminfo(std::string_view text) {
  const auto field = [&](std::string_view name) -> std::uint64_t {
    const auto at = text.find(name);
    return at == std::string_view::npos ? 0 : leading_number(text.substr(at + name.size()), 0) * 1024;
  };
  return {field("MemTotal:"), field("MemAvailable:")};
}

Memory machine_memory() {
  Memory memory = parse_meminfo(content_of("/proc/meminfo"));
  apply_cgroup(memory);
  return memory;
}

}  // namespace darkroom
