#include "identity/secret_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// Written beside and linked into place: whoever starts at the same time reads a whole secret, and both the same.
void make_file(const std::filesystem::path& file, const std::string& secret) {
  const std::filesystem::path fresh = file.string() + "." + std::to_string(::getpid());
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = descriptor >= 0 && ::write(descriptor, secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
                       ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  const bool placed = written && (::link(fresh.c_str(), file.c_str()) == 0 || errno == EEXIST);
  ::unlink(fresh.c_str());
  if (!placed) throw Forbidden("the file " + file.string() + " can't be written");
}

}  // namespace

std::string read_or_make_secret(const std::filesystem::path& file, const std::function<std::string()>& make) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) make_file(file, make());
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Forbidden("the file " + file.string() + " can't be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace darkroom
