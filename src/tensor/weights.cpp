#include "tensor/weights.hpp"

#include "base/error.hpp"
#include "tensor/mapped_file.hpp"

namespace darkroom {

bool Weights::has_below(std::string_view prefix) const { return darkroom::has_below(*tensors_, prefix_ + std::string(prefix)); }

std::size_t Weights::elements() const {
  std::size_t sum = 0;
  each([&sum](const std::string&, const at::Tensor& tensor) { sum += static_cast<std::size_t>(tensor.numel()); });
  return sum;
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
