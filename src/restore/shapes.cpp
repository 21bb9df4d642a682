#include "restore/shapes.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace darkroom {
namespace {

std::string text_of(at::IntArrayRef sizes) {
  std::string text = "[";
  for (const auto size : sizes) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

const at::Tensor& find_tensor(const StateDict& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw InvalidInput("tensor " + name + " is missing");
  if (!at::isFloatingType(found->second.scalar_type())) throw InvalidInput("tensor " + name + " isn't floating point");
  return found->second;
}

}  // namespace

const at::Tensor& ShapeCheck::expect(const std::string& name, const std::vector<std::int64_t>& sizes) {
  const auto& tensor = find_tensor(tensors_, name);
  if (tensor.sizes() != at::IntArrayRef(sizes)) throw InvalidInput("tensor " + name + " is " + text_of(tensor.sizes()) + ", expected " + text_of(sizes));
  seen_.insert(name);
  return tensor;
}

void ShapeCheck::expect_conv(const std::string& name, std::int64_t out, std::int64_t in) {
  expect(name + ".weight", {out, in, 3, 3});
  expect(name + ".bias", {out});
}

void ShapeCheck::finish() const {
  if (seen_.size() == tensors_.size()) return;
  const auto surplus = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& entry) { return !seen_.contains(entry.first); });
  throw InvalidInput("tensor " + surplus->first.substr(0, 200) + " belongs to no part of the network (" + std::to_string(tensors_.size() - seen_.size()) + " such)");
}

std::vector<std::int64_t> sizes_of(const StateDict& tensors, const std::string& name, std::size_t dims) {
  const auto sizes = find_tensor(tensors, name).sizes();
  if (sizes.size() != dims || std::any_of(sizes.begin(), sizes.end(), [](auto size) { return size < 1; }))
    throw InvalidInput("tensor " + name + " has the unexpected shape " + text_of(sizes));
  return sizes.vec();
}

}  // namespace darkroom
