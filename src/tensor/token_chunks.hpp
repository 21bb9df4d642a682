#pragma once
// Layers one after the other over a few pixels at a time, so that what is between them stays in the cache.

#include <cstdint>
#include <functional>

namespace darkroom {

/// Calls `work(first, count)` for all of [0, tokens), `step` at a time, by several threads at once; operators of libtorch within compute in
/// the thread that calls them.
void for_token_chunks(std::int64_t tokens, std::int64_t step, const std::function<void(std::int64_t first, std::int64_t count)>& work);

}  // namespace darkroom
