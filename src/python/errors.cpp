#include "python/errors.hpp"

#include <memory>
#include <string>
#include <vector>

#include "python/host.hpp"
#include "python/values.hpp"
#include "worker/node.hpp"

namespace darkroom::py {
namespace {

PyObject* interrupt_type = nullptr;  // for the life of the process

/// An exception of Python on its way through native code.
class Raised final : public TracedError {
 public:
  Raised(const TracedError& told, Ref exception) : TracedError(told), exception_(exception.release(), [](PyObject* object) {
    const Gil gil;
    Py_DECREF(object);
  }) {}
  PyObject* exception() const { return exception_.get(); }

 private:
  std::shared_ptr<PyObject> exception_;
};

}  // namespace

void set_interrupt_type(PyObject* type) {
  Py_INCREF(type);
  Py_XSETREF(interrupt_type, type);
}

void raise(const std::exception_ptr& fault) {
  try {
    std::rethrow_exception(fault);
  } catch (const Interrupted&) {
    PyErr_SetNone(interrupt_type ? interrupt_type : PyExc_KeyboardInterrupt);
  } catch (const Raised& error) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.exception())), error.exception());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void throw_raised() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace && value) PyException_SetTraceback(value, trace);
  const Ref held_type = Ref::take(type), exception = Ref::take(value), held_trace = Ref::take(trace);
  if (!exception) throw NamedError("SystemError", "Python failed without saying why");
  // (name, text, [lines]), or None for an interruption.
  const Ref told = Ref::take(PyObject_CallMethod(host_module(), "describe_exception", "O", exception.get()));
  if (!told) {
    PyErr_Clear();
    throw NamedError(Py_TYPE(exception.get())->tp_name, "an exception that can't be described");
  }
  if (told.get() == Py_None) throw Interrupted();
  const char *name = nullptr, *text = nullptr;
  PyObject* lines = nullptr;
  if (!PyArg_ParseTuple(told.get(), "ssO!", &name, &text, &PyList_Type, &lines)) {
    PyErr_Clear();
    throw NamedError("SystemError", "an exception that can't be described");
  }
  std::vector<std::string> traceback;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(lines); ++i) traceback.push_back(text_of(PyList_GET_ITEM(lines, i)));
  throw Raised(TracedError(name, text, std::move(traceback)), exception);
}

}  // namespace darkroom::py
