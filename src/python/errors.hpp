#pragma once
// Python's exceptions as ours.

#include <exception>

#include "python/ref.hpp"

namespace darkroom::py {

/// Throws what Python has raised: Interrupted for InterruptProcessingException, else a TracedError with the type's name, the text and the
/// traceback as clients see them. With the lock held.
[[noreturn]] void throw_raised();

/// Raises in Python what was thrown: what Python raised itself is the same exception again, with its traceback. With the lock held.
void raise(const std::exception_ptr& fault);

/// The class that stands for a cancelled prompt.
void set_interrupt_type(PyObject* type);

/// The object, or throw_raised() when a call gave none.
inline Ref checked(PyObject* owned) {
  if (!owned) throw_raised();
  return Ref::take(owned);
}

}  // namespace darkroom::py
