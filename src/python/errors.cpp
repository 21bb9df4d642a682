#include "python/errors.hpp"

#include <string>
#include <vector>

#include "python/host.hpp"
#include "python/values.hpp"
#include "worker/node.hpp"

namespace darkroom::py {

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
  throw TracedError(name, text, std::move(traceback));
}

}  // namespace darkroom::py
