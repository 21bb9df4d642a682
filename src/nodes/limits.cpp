#include "nodes/limits.hpp"

#include <string>

#include "base/error.hpp"

namespace darkroom {

void check_tensor_size(std::string_view what, std::initializer_list<std::int64_t> sizes) {
  std::string shape;
  for (const std::int64_t size : sizes) shape += (shape.empty() ? "" : ",") + std::to_string(size);
  std::int64_t elements = 1;
  for (const std::int64_t size : sizes) {
    if (size < 0) throw InvalidInput(std::string(what) + ": a tensor of [" + shape + "] can't be made");
    if (size == 0) return;
  }
  for (const std::int64_t size : sizes) {
    if (size > kMaxTensorElements / elements)
      throw TooLarge(std::string(what) + ": a tensor of [" + shape + "] has more than the " + std::to_string(kMaxTensorElements) +
                     " elements that one result may have");
    elements *= size;
  }
}

}  // namespace darkroom
