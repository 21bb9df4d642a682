#pragma once
// Model files of all containers: .safetensors, torch's zip files and its older row of pickles. Nothing in them is executed.

#include <filesystem>
#include <memory>

#include "tensor/mapped_file.hpp"
#include "tensor/pickle.hpp"
#include "tensor/state_dict.hpp"

namespace darkroom {

/// What torch.save wrote: a tree of dicts, lists and numbers with tensors among them.
class TorchFile {
 public:
  /// Throws InvalidInput that begins with the file's name: for a broken file, and for a pickle that asks for a class or
  /// function that isn't needed for tensors.
  static TorchFile open(const std::shared_ptr<const MappedFile>& file);
  const PickleValue& root() const { return *root_; }
  /// The tensor of a kTensor value: a view of the mapped file, strided as it was saved.
  at::Tensor tensor(const PickleValue& value) const;

 private:
  struct Extent { std::size_t offset, bytes; };
  void read_zip();
  void read_legacy();

  std::shared_ptr<const MappedFile> file_;
  std::shared_ptr<Unpickler> machine_;
  const PickleValue* root_ = nullptr;
  std::unordered_map<std::string, Extent> extents_;  ///< storage key -> where its data lies
};

/// The weights of a file, whatever its container (told by content, but a name with .safetensors or .sft must be one).
/// Wrappers are taken off in spandrel's order (model_state_dict, state_dict, params_ema, params-ema, params, model, net;
/// then a dict in a dict of one; then the prefixes `module.` and `netG.` that all names share). What isn't a tensor is left out.
/// Throws NotFound, or InvalidInput that begins with the file's name.
StateDict load_checkpoint(const std::filesystem::path& path);

}  // namespace darkroom
