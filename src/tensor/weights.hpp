#pragma once
// Where a network takes its weights from while it is packed: tensors of a file by name, changed on the way where patches say so.

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// A view of a state dict below a prefix. Copying it copies handles.
class Weights {
 public:
  /// Gets the name below the root prefix and the file's tensor; gives what to use instead (float32 where it changed something).
  using Patch = std::function<at::Tensor(const std::string& name, const at::Tensor& weight)>;

  /// `root`: the prefix of the network within its file, "model.diffusion_model."; patches see names without it.
  explicit Weights(std::shared_ptr<const StateDict> tensors, std::string root = {}, Patch patch = {})
      : tensors_(std::move(tensors)), prefix_(std::move(root)), root_size_(prefix_.size()), patch_(std::move(patch)) {}

  Weights below(std::string_view prefix) const { Weights copy(*this); copy.prefix_ += prefix; return copy; }
  /// The same with `next` applied to what this gives.
  Weights patched(Patch next) const;
  bool has(std::string_view name) const { return tensors_->contains(prefix_ + std::string(name)); }
  /// Is there any tensor whose name begins like this?
  bool has_below(std::string_view prefix) const;
  /// Patched; otherwise a view of the file in its own dtype. Throws InvalidInput that names the tensor when it is missing.
  at::Tensor get(std::string_view name) const;
  /// Nothing patched, for shapes.
  const at::Tensor& raw(std::string_view name) const;
  /// Called when a tensor has been packed: its pages of the mapped file may leave memory, so that the peak is never two copies.
  /// Reading it again reads the file again.
  void release(std::string_view name) const;
  /// Calls `take(name below the prefix, raw tensor)` for each.
  template <class Take>
  void each(const Take& take) const { each_below(*tensors_, prefix_, take); }
  /// Numbers in all of them.
  std::size_t elements() const;
  const StateDict& tensors() const { return *tensors_; }
  const std::string& prefix() const { return prefix_; }

 private:
  std::shared_ptr<const StateDict> tensors_;
  std::string prefix_;
  std::size_t root_size_ = 0;
  Patch patch_;
};

/// "[320, 4, 3, 3]", for messages.
std::string shape_text(const at::Tensor& tensor);

}  // namespace darkroom
