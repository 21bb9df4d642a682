#pragma once
// When memory runs out: whether an error means that, and what is tried then.

#include <memory>

namespace c10 {
class Error;
}

namespace darkroom {

class ModelBudget;

/// Did the allocator give up? libtorch's CPU allocator and CUDA's libraries say so by text only.
bool is_out_of_memory(const c10::Error& error);

/// In a handler: is it memory that ran out, and have models that nobody uses given up theirs now?
bool has_made_room(ModelBudget* budget);

/// What `compute()` gives. When memory runs out in it, models that nobody uses go, and it is called once more. `budget` may be null.
template <class Compute>
auto with_room(const std::shared_ptr<ModelBudget>& budget, const Compute& compute) {
  try {
    return compute();
  } catch (...) {
    if (!has_made_room(budget.get())) throw;
  }
  return compute();
}

}  // namespace darkroom
