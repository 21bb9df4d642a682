#include "tensor/weights.hpp"

#include "base/error.hpp"
#include "tensor/mapped_file.hpp"

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

void Weights::release(std::string_view name) const {
  const auto found = tensors_->find(prefix_ + std::string(name));
  if (found != tensors_->end()) release_pages(found->second);
}

Weights Weights::patched(Patch next) const {
  Weights copy(*this);
  if (!patch_) copy.patch_ = std::move(next);
  else copy.patch_ = [first = patch_, next = std::move(next)](const std::string& name, const at::Tensor& weight) { return next(name, first(name, weight)); };
  return copy;
}

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (const auto size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace darkroom
