#include "worker/tensors.hpp"


#include <sstream>

namespace darkroom {

std::string describe(const at::Tensor& tensor) {
  std::ostringstream out;
  out << (tensor.scalar_type() == at::kFloat ? "float32" : c10::toString(tensor.scalar_type())) << " [";
  for (std::int64_t i = 0; i < tensor.dim(); ++i) out << (i ? "," : "") << tensor.size(i);
  out << "]";
  return out.str();
}

std::string TensorObject::describe() const { return "Tensor(" + darkroom::describe(tensor) + ")"; }
std::size_t TensorObject::bytes() const { return tensor.nbytes(); }

std::string LatentObject::describe() const { return "dict(samples " + darkroom::describe(samples) + ")"; }
std::size_t LatentObject::bytes() const { return samples.nbytes() + (noise_mask ? noise_mask->nbytes() : 0); }

Value tensor_value(at::Tensor tensor) { return std::make_shared<const TensorObject>(std::move(tensor)); }
Value latent_value(LatentObject latent) { return std::make_shared<const LatentObject>(std::move(latent)); }

at::Tensor Inputs::image(std::string_view name) const {
  const auto tensor = object<TensorObject>(name)->tensor;
  if (tensor.dim() != 4) throw InvalidInput(std::string(name) + ": expected an image [B,H,W,C], got " + darkroom::describe(tensor));
  return tensor;
}

at::Tensor Inputs::mask(std::string_view name) const {
  const auto tensor = object<TensorObject>(name)->tensor;
  if (tensor.dim() == 2) return tensor.unsqueeze(0);
  if (tensor.dim() != 3) throw InvalidInput(std::string(name) + ": expected a mask [B,H,W], got " + darkroom::describe(tensor));
  return tensor;
}

std::shared_ptr<const LatentObject> Inputs::latent(std::string_view name) const { return object<LatentObject>(name); }

}  // namespace darkroom
