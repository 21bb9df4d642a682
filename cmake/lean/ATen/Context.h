#pragma once
// As DeviceGuard.h beside it: every operator's header includes libtorch's header of this name and none needs it. It brings the
// accelerators' hooks and the global context, which nobody here asks (0.3 s a file, a third of the precompiled header).
#include <ATen/core/Tensor.h>
