#include "tensor/weights.hpp"

#include "base/error.hpp"

namespace darkroom {

bool Weights::has_below(std::string_view prefix) const {
  const auto full = prefix_ + std::string(prefix);
  const auto found = tensors_->lower_bound(full);
  return found != tensors_->end() && found->first.starts_with(full);
}

const at::Tensor& Weights::raw(std::string_view name) const {
  const auto found = tensors_->find(prefix_ + std::string(name));
  if (found == tensors_->end()) throw InvalidInput("the model has no tensor " + prefix_ + std::string(name));
  return found->second;
}

at::Tensor Weights::get(std::string_view name) const {
  const auto& weight = raw(name);
  return patch_ ? patch_((prefix_ + std::string(name)).substr(root_size_), weight) : weight;
}

Weights Weights::patched(Patch next) const {
  Weights copy(*this);
  if (!patch_) copy.patch_ = std::move(next);
  else copy.patch_ = [first = patch_, next = std::move(next)](const std::string& name, const at::Tensor& weight) { return next(name, first(name, weight)); };
  return copy;
}

}  // namespace darkroom
