// Native nodes as functions of Python: the classes of `nodes` and comfy_extras stand on these.

#include <c10/core/InferenceMode.h>

#include <string>

#include "base/error.hpp"
#include "python/calls.hpp"
#include "python/engine.hpp"
#include "python/errors.hpp"
#include "python/handles.hpp"
#include "python/host.hpp"
#include "python/values.hpp"
#include "worker/node.hpp"

namespace darkroom::py {
namespace {

const Registry* native = nullptr;

/// Packs' classes are in the registry, too.
bool is_native(const NodeSchema& schema) { return !schema.python_module().starts_with("custom_nodes."); }

NodeClassPtr class_named(const char* name) {
  auto found = native ? native->find(name) : nullptr;
  if (!found || !is_native(found->schema)) throw NotFound("there is no native node class " + std::string(name));
  return found;
}

/// The lists of choices as darkroom_host.lists gives them, which reads the folders.
class PythonLists final : public ChoiceLists {
 public:
  std::vector<std::string> list(const ListSource& source) override {
    const char* kind = source.kind == ListSource::Kind::kModels ? "models" : "input";
    return texts_of(checked(PyObject_CallMethod(host_module(), "choices", "ss", kind, source.argument.c_str())).get());
  }
  bool file_exists(std::string_view) override { return true; }
};

/// An argument for a native node: unlike on links, lists and dicts of Python are taken apart.
Value argument(PyObject* object) {
  Value value = from_python(object);
  if (!value.object<HeldObject>()) return value;
  if (PyList_Check(object) || PyTuple_Check(object)) {
    const Ref items = checked(PySequence_Fast(object, ""));
    List list;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) list.push_back(argument(PySequence_Fast_GET_ITEM(items.get(), i)));
    value = Value::list(std::move(list));
  } else if (PyDict_Check(object)) {
    std::vector<std::pair<std::string, Value>> items;
    PyObject *key = nullptr, *item = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(object, &at, &key, &item);)
      if (PyUnicode_Check(key)) items.emplace_back(text_of(key), argument(item));
    value = Value::dict(std::move(items));
  }
  const auto plain = value.to_json();
  return plain ? Value::from_json(*plain) : value;
}

Inputs inputs_of(const NodeSchema& schema, PyObject* dict) {
  Inputs inputs;
  PyObject *key = nullptr, *item = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &item);) {
    std::string name = text_of(key);
    const bool lists = schema.takes_lists() && (PyList_Check(item) || PyTuple_Check(item));
    inputs.set(std::move(name), lists ? Value::list(list_from_python(item)) : argument(item));
  }
  return inputs;
}

Outputs run_native(const NodeClass& node_class, const Inputs& inputs, Context& context) {
  const c10::InferenceMode no_gradients;
  Outputs outputs = node_class.make()->run(inputs, context);
  if (const auto pending = outputs.pending) outputs = pending->result.get();
  if (outputs.expansion) throw InvalidInput(node_class.schema.node_class() + " turns into a graph: it can't be called as a function");
  return outputs;
}

/// (values, ui as JSON or None)
Ref told(const NodeClass& node_class, const Outputs& outputs) {
  const auto slots = node_class.schema.outputs().size();
  Ref values = checked(PyTuple_New(static_cast<Py_ssize_t>(outputs.block ? slots : outputs.values.size())));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values.get()); ++i)
    PyTuple_SET_ITEM(values.get(), i, to_python(outputs.block ? Value(*outputs.block) : outputs.values[static_cast<std::size_t>(i)]).release());
  return checked(Py_BuildValue("(Oz)", values.get(), outputs.ui ? dump(json::value(*outputs.ui)).c_str() : nullptr));
}

PyObject* call_native(PyObject*, PyObject* args) {
  long call = 0;
  const char* name = nullptr;
  PyObject* given = nullptr;
  if (!PyArg_ParseTuple(args, "lsO!", &call, &name, &PyDict_Type, &given)) return nullptr;
  return guarded([&] {
    const NodeClassPtr node_class = class_named(name);
    const Inputs inputs = inputs_of(node_class->schema, given);
    Outputs outputs;
    if (!through_call(call, [&](Context& context) { outputs = run_native(*node_class, inputs, context); }))
      throw InvalidInput(std::string(name) + ": a native node can be called while a prompt runs, and none does");
    return told(*node_class, outputs).release();
  });
}

PyObject* native_classes(PyObject*, PyObject*) {
  return guarded([] {
    json::array all;
    for (const auto& schema : native ? native->schemas().all() : std::vector<NodeSchema>())
      if (is_native(schema)) all.push_back(schema.to_wire());
    return to_python(json::value(dump(json::value(std::move(all))))).release();
  });
}

PyObject* native_info(PyObject*, PyObject* args) {
  const char* name = nullptr;
  if (!PyArg_ParseTuple(args, "s", &name)) return nullptr;
  return guarded([&] {
    PythonLists lists;
    return to_python(json::value(dump(json::value(class_named(name)->schema.info(lists))))).release();
  });
}

/// The native object's address: handles of one object have the same.
PyObject* object_key(PyObject*, PyObject* handle) {
  return guarded([&] {
    const auto object = object_of(handle);
    if (!object) throw InvalidInput("that is no native object");
    return PyLong_FromVoidPtr(const_cast<Object*>(object.get()));
  });
}

PyObject* weak(PyObject*, PyObject* handle) {
  return guarded([&] {
    const auto object = object_of(handle);
    if (!object) throw InvalidInput("that is no native object");
    return weak_capsule_of(object).release();
  });
}

PyObject* strong(PyObject*, PyObject* weak) {
  return guarded([&] {
    auto object = object_of_weak(weak);
    return object ? capsule_of(std::move(object)).release() : Ref::share(Py_None).release();
  });
}

PyMethodDef methods[] = {{"weak", weak, METH_O, "weak(handle): a capsule that does not keep the object"},
                         {"strong", strong, METH_O, "strong(weak capsule): a capsule of the object, or None when it is gone"},
                         {"native_classes", native_classes, METH_NOARGS, "native_classes(): their schemas, as JSON"},
                         {"native_info", native_info, METH_VARARGS, "native_info(class): as /object_info has it, as JSON"},
                         {"call_native", call_native, METH_VARARGS, "call_native(call, class, arguments): (values, ui as JSON or None)"},
                         {"object_key", object_key, METH_O, "object_key(handle): equal for handles of one object"},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyMethodDef* native_methods() { return methods; }

void use_native_nodes(const Registry& registry) { native = &registry; }

}  // namespace darkroom::py
