#pragma once
// Values of links as Python objects and back. Tensors share their memory both ways. All with the lock held.

#include <string>
#include <vector>

#include "base/json.hpp"
#include "python/ref.hpp"
#include "worker/value.hpp"

namespace at {
class Tensor;
}

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

/// Scalars become scalars, tensors torch.Tensor, a latent its dict, a conditioning its list, lists and dicts lists and dicts; what only native
/// nodes understand (a MODEL) a handle (python/handles.hpp). Throws TracedError where torch can't be imported.
Ref to_python(const Value& value);
Ref to_python(const json::value& value);

/// None, bool, int of 64 bits, float, str, torch.Tensor, a dict of a latent, the list of a conditioning, ExecutionBlocker, a handle; anything
/// else is held as it is.
/// `type`: of the output that it goes through; a conditioning or a latent is made of what looks like one only where the type allows for it.
Value from_python(PyObject* object, std::string_view type = "*");
/// A Python sequence, item by item.
List list_from_python(PyObject* sequence);

bool is_tensor(PyObject* object);
Ref tensor_to_python(const at::Tensor& tensor);
/// The tensor behind a torch.Tensor; shares its memory.
at::Tensor tensor_from_python(PyObject* object);

/// A dict of Python's own that goes along with a native value, from any thread (`more`), and back.
std::shared_ptr<const void> kept_dict(Ref dict);
PyObject* dict_kept_in(const std::shared_ptr<const void>& kept);  ///< borrowed

/// A str. Lone surrogates are replaced.
std::string text_of(PyObject* text);
std::vector<std::string> texts_of(PyObject* sequence);

}  // namespace darkroom::py
