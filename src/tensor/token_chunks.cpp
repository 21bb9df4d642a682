#include "tensor/token_chunks.hpp"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

namespace darkroom {

void for_token_chunks(std::int64_t tokens, std::int64_t step, const std::function<void(std::int64_t first, std::int64_t count)>& work) {
  const bool inference = c10::InferenceMode::is_enabled();  // known to one thread alone
  at::parallel_for(0, (tokens + step - 1) / step, 1, [&](std::int64_t begin, std::int64_t end) {
    const c10::InferenceMode guard(inference);
    for (auto chunk = begin; chunk < end; ++chunk) work(chunk * step, std::min(step, tokens - chunk * step));
  });
}

}  // namespace darkroom
