#pragma once
// Whether an error of libtorch means that memory has run out.

namespace c10 {
class Error;
}

namespace darkroom {

/// Did the allocator give up? libtorch's CPU allocator says so by text only.
bool is_out_of_memory(const c10::Error& error);

}  // namespace darkroom
