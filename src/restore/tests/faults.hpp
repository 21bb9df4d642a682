#pragma once
// What a refusal says.

#include <string>

#include "base/error.hpp"

namespace darkroom {

/// The text of the Error that `call` throws, or "accepted".
template <class F>
std::string fault_of(F call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace darkroom
