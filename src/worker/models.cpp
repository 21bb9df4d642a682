#include "worker/models.hpp"

#include "tensor/model_budget.hpp"
#include "worker/node.hpp"

namespace darkroom {

std::shared_ptr<ModelBudget> model_budget(Context& context) {
  return std::static_pointer_cast<ModelBudget>(context.shared(kModelBudget, [] { return std::make_shared<ModelBudget>(); }));
}

}  // namespace darkroom
