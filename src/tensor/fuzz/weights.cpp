// Files of weights in every container: what is read can be read again to the last element, and lies within the file.

#include <ATen/core/Tensor.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "fuzz.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCopied = 1 << 16;  ///< elements up to which a tensor is copied: a small file may describe 16 million

/// The input as a file in memory, removed at the end.
class InputFile {
 public:
  InputFile() : path_(fs::path("/dev/shm") / ("darkroom-fuzz-" + std::to_string(::getpid()))) {}
  ~InputFile() { ::unlink(path_.c_str()); }
  const fs::path& write(std::string_view bytes) {
    ::unlink(path_.c_str());  // the last one may still be mapped
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }

 private:
  fs::path path_;
};

void check(const at::Tensor& tensor, std::size_t file_bytes) {
  fuzz_check(tensor.storage().nbytes() <= file_bytes, "a tensor's storage is larger than the file");
  std::int64_t last = tensor.storage_offset();
  for (std::int64_t i = 0; i < tensor.dim() && tensor.numel() > 0; ++i) last += (tensor.size(i) - 1) * tensor.stride(i);
  fuzz_check(tensor.numel() == 0 || static_cast<std::size_t>((last + 1) * tensor.element_size()) <= tensor.storage().nbytes(), "a tensor reaches beyond its storage");
  if (tensor.numel() <= kCopied) fuzz_check(tensor.clone().sizes() == tensor.sizes(), "a copy has another shape");
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  static InputFile file;
  StateDict weights;
  try {
    weights = load_checkpoint(file.write(view_of(data, size)));
  } catch (const Error&) {
    return 0;
  }
  for (const auto& [name, tensor] : weights) check(tensor, size);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(DARKROOM_TEST_DATA "/restore/files")) {
    if (entry.file_size() > (1u << 16)) continue;  // small files are mutated where it matters
    std::ifstream in(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return seeds;
}

std::vector<std::string> fuzz_words() {
  using namespace std::string_literals;
  return {"ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n", "ccollections\nOrderedDict\n", "storage", "\x80\x02",
          "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "J\xff\xff\xff\x7f", "K\0"s, "(", "t", "R", "Q", "}", "]", "s", "u", "e", "\x85", "\x86", "\x87",
          "PK\1\2", "PK\3\4", "PK\5\6", "data.pkl", "\"data_offsets\":[0,8]", "\"dtype\":\"F32\"", "\"shape\":[2]", "9223372036854775807", "-1"};
}
