#include "nodes/diffusion_values.hpp"

#include "base/error.hpp"

namespace darkroom {

Value joined(Conditioning first, const Conditioning& second) {
  first.insert(first.end(), second.begin(), second.end());
  return conditioning_value(std::move(first));
}

Value conditioning_value(Conditioning entries) {
  return Value(std::make_shared<ConditioningValue>(std::make_shared<const Conditioning>(std::move(entries))));
}

const Conditioning& conditioning(const Inputs& in, std::string_view name) {
  return *in.object<ConditioningValue>(name)->held;
}

template <>
std::string ConditioningValue::describe() const {
  return "[conditioning of " + std::to_string(held->size()) + (held->size() == 1 ? " entry]" : " entries]");
}

template <>
std::size_t ConditioningValue::bytes() const {
  std::size_t bytes = 0;
  for (const auto& entry : *held) {
    if (entry.text.defined()) bytes += entry.text.nbytes();
    if (entry.pooled) bytes += entry.pooled->nbytes();
    if (entry.mask) bytes += entry.mask->nbytes();
  }
  return bytes;
}

}  // namespace darkroom
