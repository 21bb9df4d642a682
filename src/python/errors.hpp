#pragma once
// Python's exceptions as ours.

#include "python/ref.hpp"

namespace darkroom::py {

/// Throws what Python has raised: Interrupted for InterruptProcessingException, else a TracedError with the type's name, the text and the
/// traceback as clients see them. With the lock held.
[[noreturn]] void throw_raised();

/// The object, or throw_raised() when a call gave none.
inline Ref checked(PyObject* owned) {
  if (!owned) throw_raised();
  return Ref::take(owned);
}

}  // namespace darkroom::py
