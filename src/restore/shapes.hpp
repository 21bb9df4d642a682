#pragma once
// Checks that a state dict is exactly what an architecture needs.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// Ticks off the tensors of a network one after another, then finds those that nothing asked for.
class ShapeCheck {
 public:
  explicit ShapeCheck(const StateDict& tensors) : tensors_(tensors) {}
  /// The tensor must be there, floating, of these sizes. Throws InvalidInput that names it.
  const at::Tensor& expect(const std::string& name, const std::vector<std::int64_t>& sizes);
  /// `name.weight` [out,in,3,3] and `name.bias` [out].
  void expect_conv(const std::string& name, std::int64_t out, std::int64_t in);
  /// Throws InvalidInput when the file holds more than was expected: it is another network.
  void finish() const;

 private:
  const StateDict& tensors_;
  std::set<std::string, std::less<>> seen_;
};

/// Sizes of a tensor that has to have `dims` dimensions, none of them 0. Throws InvalidInput.
std::vector<std::int64_t> sizes_of(const StateDict& tensors, const std::string& name, std::size_t dims);

}  // namespace darkroom
