#pragma once
// Values of links as Python objects and back. Tensors share their memory both ways. All with the lock held.

#include <string>
#include <vector>

#include "base/json.hpp"
#include "python/ref.hpp"
#include "worker/value.hpp"

namespace darkroom::py {

/// A Python object that flows along links as it is: what is neither a scalar, nor a tensor, nor a latent.
class HeldObject final : public Object {
 public:
  explicit HeldObject(Ref object) : object_(std::move(object)) {}
  ~HeldObject() override;
  std::string describe() const override;           ///< str() of it
  std::size_t bytes() const override;
  PyObject* get() const { return object_.get(); }

 private:
  Ref object_;
};

/// Scalars become scalars, tensors torch.Tensor, a latent its dict, lists and dicts lists and dicts; what only native nodes understand (a
/// MODEL) a handle that comes back as it went. Throws TracedError where torch can't be imported.
Ref to_python(const Value& value);
Ref to_python(const json::value& value);

/// None, bool, int of 64 bits, float, str, torch.Tensor, a dict of a latent, ExecutionBlocker, a handle; anything else is held as it is.
Value from_python(PyObject* object);
/// A Python sequence, item by item.
List list_from_python(PyObject* sequence);

/// A str. Lone surrogates are replaced.
std::string text_of(PyObject* text);
std::vector<std::string> texts_of(PyObject* sequence);

}  // namespace darkroom::py
