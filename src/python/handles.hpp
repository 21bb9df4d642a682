#pragma once
// Native objects that Python holds without looking into them: a MODEL, a CLIP, a SAMPLER. They come back as they went.

#include <memory>

#include "python/ref.hpp"
#include "worker/value.hpp"

namespace darkroom::py {

/// What darkroom_host.handles.make(kind, capsule) makes of it: an instance of the class that Python has for this kind. With the lock held.
Ref handle_of(std::shared_ptr<const Object> object);

/// The object behind a handle or its capsule; null for anything else. With the lock held.
std::shared_ptr<const Object> object_of(PyObject* handle);

/// A capsule that does not keep it, for what Python keeps beside a native object that holds Python's functions: else neither would ever go.
Ref weak_capsule_of(const std::shared_ptr<const Object>& object);
/// The object of a weak capsule, while somebody else keeps it; else null.
std::shared_ptr<const Object> object_of_weak(PyObject* weak);

/// A bare capsule of it, for Python code that puts it into a handle of its own.
Ref capsule_of(std::shared_ptr<const Object> object);

}  // namespace darkroom::py
