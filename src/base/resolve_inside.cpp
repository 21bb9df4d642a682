#include "base/resolve_inside.hpp"

#include <sys/stat.h>
#include <climits>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: one part of a file name, bytes. Beyond: 400. Fixed: what ext4, xfs and tmpfs hold. Edge: ResolveInside.lengths_at_the_edge.
constexpr std::size_t kMaxName = 255;
/// Limit: a file name with its folders, bytes. Beyond: 400. Fixed: below PATH_MAX, with room for the base folder. Edge:
/// ResolveInside.lengths_at_the_edge.
constexpr std::size_t kMaxPath = 4000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool lies_in(const fs::path& path, const fs::path& folder) {
  const std::string& inner = path.native();
  const std::string& outer = folder.native();
  if (outer == "/") return true;
  return inner.size() >= outer.size() && inner.compare(0, outer.size(), outer) == 0 && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

fs::path real_path(const fs::path& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved ? fs::path(resolved.get()) : fs::path();
}

// A backslash is an ordinary character of names here, but a part that other systems would read as a way out is refused,
// so that a folder copied or served elsewhere stays harmless.
void refuse_foreign_forms(std::string_view relative) {
  if (relative.find('\0') != std::string_view::npos) throw InvalidInput("the name contains a NUL byte");
  if (relative.size() > kMaxPath) throw InvalidInput("the name is longer than " + std::to_string(kMaxPath) + " bytes");
  if (!is_valid_utf8(relative)) throw InvalidInput("the name is not UTF-8");
  if (!relative.empty() && (relative[0] == '/' || relative[0] == '\\')) throw InvalidInput("absolute names are not allowed");
  if (relative.size() >= 2 && is_letter(relative[0]) && relative[1] == ':') throw InvalidInput("names with a drive are not allowed");
  if (relative.find('\\') == std::string_view::npos) return;
  std::string slashes(relative);
  for (char& c : slashes)
    if (c == '\\') c = '/';
  for (const auto& part : split(slashes, '/'))
    if (part == "..") throw Forbidden("the name leaves its folder");
}

}  // namespace

fs::path resolve_inside(const fs::path& folder, std::string_view relative) {
  refuse_foreign_forms(relative);
  std::error_code failure;
  fs::path root = real_path(folder);
  if (root.empty()) root = fs::absolute(folder, failure).lexically_normal();  // not made yet: nothing in it can be a link
  if (root.native().size() > 1 && root.native().back() == '/') root = root.parent_path();

  fs::path current = root;
  for (const auto& part : split(relative, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (current == root) throw Forbidden("the name leaves its folder");
      current = current.parent_path();
    } else {
      if (part.size() > kMaxName) throw InvalidInput("a part of the name is longer than " + std::to_string(kMaxName) + " bytes");
      current /= part;
      struct stat info {};
      if (::lstat(current.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
        current = real_path(current);  // a link that leads nowhere could be made to lead out later
        if (current.empty()) throw Forbidden("the name is a broken link");
      }
    }
    if (!lies_in(current, root)) throw Forbidden("the name leaves its folder");
  }
  return current;
}

}  // namespace darkroom
