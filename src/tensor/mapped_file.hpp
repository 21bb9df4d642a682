#pragma once
// A file as memory. Tensors that lie in the file are views of the map, so that a checkpoint costs pages and not copies.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace darkroom {

/// A read-only file, mapped copy-on-write: who writes into a tensor of it changes neither the file nor other readers.
/// The map lives as long as anybody holds the pointer, whatever becomes of the directory entry. A file that is cut short
/// while it is mapped faults on use; writers replace files by rename.
class MappedFile {
 public:
  /// Throws NotFound when it can't be opened, InvalidInput when it is no plain file. An empty file is an empty map.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(base_), size_}; }
  std::size_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, void* base, std::size_t size) : path_(std::move(path)), base_(base), size_(size) {}
  std::filesystem::path path_;
  void* base_;
  std::size_t size_;
};

/// A contiguous tensor of `sizes` over the bytes at `offset`; it keeps the map alive. The caller has checked the bounds.
/// Data that isn't aligned for its type is copied.
at::Tensor tensor_in(const std::shared_ptr<const MappedFile>& file, std::size_t offset, at::IntArrayRef sizes, at::ScalarType dtype);

/// Lets the pages that `view` alone lies on leave memory; reading it reads the file again. Does nothing for a tensor that is no
/// view of a map. Nobody may have written into the tensor: such pages would be lost.
void release_pages(const at::Tensor& view);

/// Has the kernel read the pages that these tensors lie on in the background, in this order, so that who comes to them later finds them
/// there. Those that are no views of a map are left out.
void read_ahead(std::vector<at::Tensor> views);

/// Elements of `sizes`, or nothing when one is negative or the product does not fit 63 bits.
std::optional<std::int64_t> checked_numel(const std::vector<std::int64_t>& sizes);

}  // namespace darkroom
