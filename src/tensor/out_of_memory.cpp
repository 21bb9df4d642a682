#include "tensor/out_of_memory.hpp"

#include <c10/util/Exception.h>

#include <string_view>

namespace darkroom {

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return true;
  const std::string_view text = error.what_without_backtrace();
  return text.find("can't allocate memory") != std::string_view::npos || text.find("not enough memory") != std::string_view::npos;
}

}  // namespace darkroom
