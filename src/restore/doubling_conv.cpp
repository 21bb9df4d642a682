#include "restore/doubling_conv.hpp"

#include <ATen/ops/zeros.h>

namespace darkroom {

Conv2d doubling_conv(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute) {
  const auto in = weight.size(0), out = weight.size(1);
  const auto from = weight.to(at::kFloat);
  const auto places = at::zeros({out, 2, 2, in, 3, 3}, at::kFloat);  // sorted as pixel shuffle wants it
  // Input i reaches output 2 i - 3 + k. Output 2 m + p, seen from input m + 1 in the kernel's middle, is reached by input m + j through k =
  // p + 3 - 2 j.
  for (int p = 0; p < 2; ++p)
    for (int q = 0; q < 2; ++q)
      for (int j = p; j < p + 2; ++j)
        for (int i = q; i < q + 2; ++i)
          places.select(1, p).select(1, q).select(2, j).select(2, i).copy_(from.select(2, p + 3 - 2 * j).select(2, q + 3 - 2 * i).t());
  return Conv2d(places.view({4 * out, in, 3, 3}), bias.to(at::kFloat).repeat_interleave(4), Activation::none(), compute);
}

}  // namespace darkroom
