#pragma once

namespace darkroom {

/// Does the processor multiply bf16 in hardware (AMX or AVX-512)? Else fp32 is faster than bf16.
bool processor_has_bf16();

}  // namespace darkroom
