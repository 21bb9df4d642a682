#pragma once
// How big a tensor a node may make. Checked before memory is asked for, so that an absurd size is a clear error of its node
// and neither std::bad_alloc nor a worker killed by the system.

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace darkroom {

/// Limit: elements of one tensor that a node makes. Beyond: the node fails and says so. Fixed: 4 GiB of float32, an image of 18,918 x
/// 18,918 pixels. Edge: TensorLimits.AreCountedWithoutOverflow.
inline constexpr std::int64_t kMaxTensorElements = std::int64_t{1} << 30;
/// Limit: side of a picture in a schema, pixels. Beyond: 400 `value_bigger_than_max`. Fixed: ComfyUI's, part of many schemas. Edge:
/// test_limits.py::test_the_longest_side.
inline constexpr std::int64_t kMaxResolution = 16384;

/// Throws TooLarge `what: ...` when a tensor of `sizes` has more than kMaxTensorElements, InvalidInput when a size is negative.
/// `what` names the node or the input to blame.
void check_tensor_size(std::string_view what, std::initializer_list<std::int64_t> sizes);

}  // namespace darkroom
