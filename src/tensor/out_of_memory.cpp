#include "tensor/out_of_memory.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "base/log.hpp"
#include "tensor/model_budget.hpp"

namespace darkroom {
namespace {

constexpr std::array<std::string_view, 4> kSaidSo{"can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED"};

bool memory_ran_out() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return is_out_of_memory(error);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return true;
  const std::string_view text = error.what_without_backtrace();
  return std::ranges::any_of(kSaidSo, [&](std::string_view words) { return text.find(words) != text.npos; });
}

bool has_made_room(ModelBudget* budget) {
  if (!budget || !memory_ran_out()) return false;
  const auto given = budget->drop_all_unused();
  if (given > 0) log::info("memory has run out: dropped {} MiB of models that nobody uses, and trying once more", given >> 20);
  return given > 0;
}

}  // namespace darkroom
