#pragma once
// How nodes reach the memory budget of their worker's models.

#include <memory>

namespace darkroom {

class Context;
class ModelBudget;

/// Its name among the shared objects.
constexpr const char* kModelBudget = "model_budget";

/// What packed models of this worker take together (tensor/model_budget.hpp): for the Compute of whatever is loaded.
std::shared_ptr<ModelBudget> model_budget(Context& context);

}  // namespace darkroom
