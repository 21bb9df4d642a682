// darkroom-picture: decodes one picture for the gateway, writes the result and ends. Whatever a hostile file does to the
// decoder happens in here, within limits on processor time and memory.
//
//   darkroom-picture preview webp|jpeg QUALITY [rgb]   < picture      > preview
//   darkroom-picture channel rgb|a                     < picture      > PNG
//   darkroom-picture pixels SIDE                       < picture      > PPM, made smaller to SIDE pixels
//   darkroom-picture facts                             < picture      > JSON: its size, or what is wrong with it
//   darkroom-picture convert png|jpeg|webp             < picture      > the same in this format, with its metadata
//   darkroom-picture beside png|jpeg|webp              < before, 3< after  > both in one picture
//   darkroom-picture mask                              < picture, 3< mask  > PNG
//
// Exit codes: 0 done, 2 wrong arguments, 3 no picture or over a limit (one line on standard error says which), 4 our fault.

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "imaging/picture_facts.hpp"
#include "imaging/view_picture.hpp"

namespace {

using namespace darkroom;

/// Limit: processor time of darkroom-picture, all threads together, s. Beyond: the system kills it, 400. Fixed: the gateway's clock allows
/// 10 s. Edge: test_limits.py::test_the_picture_program_confines_itself.
constexpr rlim_t kCpuSeconds = 20;
/// Limit: memory of darkroom-picture, bytes. Beyond: it refuses the picture. Fixed: 100 megapixels take about 1.5 GB on the way. Edge:
/// test_limits.py::test_the_picture_program_confines_itself.
constexpr rlim_t kMemoryBytes = rlim_t{4} << 30;
/// Limit: a file that is shown as a preview, bytes. Beyond: refused. Fixed: larger than any picture of the most pixels. Edge:
/// test_limits.py::test_the_largest_file_of_a_preview.
constexpr off_t kMaxFile = off_t{1} << 30;

void limit(decltype(RLIMIT_CPU) what, rlim_t value) {
  const rlimit both{value, value};
  ::setrlimit(what, &both);
}

void confine() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit(RLIMIT_CPU, kCpuSeconds);
#if !defined(__SANITIZE_ADDRESS__)  // its shadow memory alone is larger
  limit(RLIMIT_AS, kMemoryBytes);
#endif
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 32);
}

/// A file that is open at `descriptor`, mapped. It is not expected to change: uploads are put in place whole.
std::string_view map_file(int descriptor) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) throw InvalidInput("no file to read");
  if (info.st_size > kMaxFile) throw TooLarge("the file is over 1 GiB");
  if (info.st_size == 0) throw InvalidInput("the file is empty");
  void* data = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) throw OutOfMemory("the file cannot be mapped");
  return {static_cast<const char*>(data), static_cast<std::size_t>(info.st_size)};
}

void write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw InternalError("the result cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string work(const std::vector<std::string>& arguments) {
  const auto is = [&](std::size_t i, const char* word) { return i < arguments.size() && arguments[i] == word; };
  if (is(0, "preview") && arguments.size() >= 3) {
    imaging::PreviewOptions options;
    options.jpeg = is(1, "jpeg");
    options.quality = std::atoi(arguments[2].c_str());
    options.drop_alpha = is(3, "rgb");
    return imaging::preview(map_file(STDIN_FILENO), options);
  }
  if (is(0, "channel")) return is(1, "rgb") ? imaging::colours_png(map_file(STDIN_FILENO)) : imaging::alpha_png(map_file(STDIN_FILENO));
  if (is(0, "pixels") && arguments.size() >= 2) return imaging::small_ppm(map_file(STDIN_FILENO), std::atoi(arguments[1].c_str()));
  if (is(0, "facts")) return imaging::picture_facts(map_file(STDIN_FILENO));
  if (is(0, "convert") && arguments.size() >= 2) return imaging::convert_picture(map_file(STDIN_FILENO), arguments[1]);
  if (is(0, "beside") && arguments.size() >= 2) return imaging::side_by_side(map_file(STDIN_FILENO), map_file(3), arguments[1]);
  if (is(0, "mask")) return imaging::merge_mask(map_file(STDIN_FILENO), map_file(3));
  std::fputs(
      "usage: darkroom-picture preview webp|jpeg QUALITY [rgb] | channel rgb|a | pixels SIDE | facts | convert png|jpeg|webp | beside "
      "png|jpeg|webp | mask\n",
      stderr);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  confine();
  ::setenv("G_SLICE", "always-malloc", 0);
  try {
    write_out(work({argv + 1, argv + argc}));
    return 0;
  } catch (const Error& fault) {
    std::fprintf(stderr, "%s\n", fault.what());
    return fault.kind() == ErrorKind::kInternal ? 4 : 3;
  } catch (const std::bad_alloc&) {
    std::fputs("the picture needs more memory than is allowed\n", stderr);
    return 3;
  }
}
