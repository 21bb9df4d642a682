// Names that clients give to files: no path outside the folder comes out.

#include <filesystem>

#include "base/error.hpp"
#include "fuzz.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// A folder with a link that leads out of it and one that stays inside; goes with the program.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "darkroom-fuzz-XXXXXX").string();
    if (!::mkdtemp(name.data())) fuzz_fault("no folder to work in");
    base_ = fs::canonical(name);
    root_ = base_ / "root";
    fs::create_directories(root_ / "sub");
    fs::create_directory_symlink("/", root_ / "out");
    fs::create_directory_symlink("sub", root_ / "in");
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path base_, root_;
};

const fs::path& folder() {
  static const Scratch scratch;
  return scratch.root();
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  const std::string_view name = view_of(data, std::min<std::size_t>(size, 8192));
  try {
    const fs::path path = resolve_inside(folder(), name);
    const std::string text = path.lexically_normal().string();
    fuzz_check(text == path.string(), "a path with dots in it");
    fuzz_check(text == folder().string() || text.starts_with(folder().string() + "/"), "a path outside its folder");
    fuzz_check(text.find('\0') == std::string::npos, "a path with a NUL in it");
    fuzz_check(fs::weakly_canonical(path) == path, "a path that leads through a link");
  } catch (const Error&) {
    // refused
  }
  split_annotation(name);
  content_type_of(name);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {"a.png",
          "sub/a b.png",
          "in/../a.png",
          "out/etc/passwd",
          "../x",
          "a/../../x",
          "C:\\x",
          "..\\x",
          "pic.png [output]",
          std::string("nul\0x", 5),
          std::string(300, 'a'),
          "./././a"};
}

std::vector<std::string> fuzz_words() {
  return {"/", "..", "../", "out/", "in/", "sub/", "\\", ".", "[input]", "//", std::string("\0", 1), "\xc3\xbc", "\xff"};
}
