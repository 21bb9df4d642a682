#pragma once
// Stands before libtorch's header of this name, which every operator's header includes and none needs: it brings IValue and its
// containers, and GCC instantiates their templates in each file anew (1.2 of the 2.2 s that an empty file costs with cmake/pch/torch.hpp).
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
