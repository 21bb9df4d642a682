#include "python/python_node.hpp"

#include <future>
#include <map>
#include <mutex>

#include "base/json.hpp"
#include "python/calls.hpp"
#include "python/errors.hpp"
#include "python/host.hpp"
#include "python/values.hpp"

namespace darkroom::py {
namespace {

/// A class of a pack. Shared by its nodes; lives as long as the process.
struct Class {
  Ref info;  ///< darkroom_host.NodeInfo
  NodeSchema schema;
};

using ClassPtr = std::shared_ptr<const Class>;

Ref arguments(const Inputs& in) {
  Ref dict = checked(PyDict_New());
  for (const auto& [name, value] : in.all())
    if (PyDict_SetItemString(dict.get(), name.c_str(), to_python(value).get()) != 0) throw_raised();
  return dict;
}

/// [id, slot] in a result that comes with a graph.
Value linked_value(PyObject* item, std::string_view type) {
  if (PyList_Check(item) && PyList_GET_SIZE(item) == 2 && PyUnicode_Check(PyList_GET_ITEM(item, 0)) && PyLong_Check(PyList_GET_ITEM(item, 1)))
    return std::make_shared<const LinkValue>(text_of(PyList_GET_ITEM(item, 0)), PyLong_AsLongLong(PyList_GET_ITEM(item, 1)));
  return from_python(item, type);
}

/// (values or None, ui as JSON or None, graph as JSON or None, what the graph holds beside JSON) of darkroom_host.
Outputs outputs_of(PyObject* told, const NodeSchema& schema) {
  PyObject *values = nullptr, *held = nullptr;
  const char *ui = nullptr, *graph = nullptr;
  if (!PyArg_ParseTuple(told, "OzzO!", &values, &ui, &graph, &PyList_Type, &held)) throw_raised();
  Outputs outputs;
  if (ui) outputs.ui = parse_json(ui).as_object();
  if (graph) outputs.expansion = Expansion{parse_json(graph).as_object(), list_from_python(held)};
  if (values == Py_None) return outputs;
  const Ref items = checked(PySequence_Fast(values, "a node has to return a tuple"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(items.get(), i);
    const auto slot = static_cast<std::size_t>(i);
    const bool is_list = slot < schema.outputs().size() && schema.outputs()[slot].is_list;
    const std::string_view type = slot < schema.outputs().size() ? std::string_view(schema.outputs()[slot].type) : "*";
    Value value = graph ? linked_value(item, type) : from_python(item, type);
    if (is_list && !value.blocker() && !value.object<LinkValue>() && (PyList_Check(item) || PyTuple_Check(item))) value = Value::list(list_from_python(item));
    outputs.values.push_back(std::move(value));
  }
  return outputs;
}

/// An async call that is under way.
struct Later {
  std::promise<Outputs> promise;
  ClassPtr node_class;
  std::unique_ptr<Call> call;
};

struct Laters {
  std::mutex mutex;
  std::map<long, std::unique_ptr<Later>> open;
};

Laters& laters() {
  static Laters all;
  return all;
}

class PythonNode final : public Node {
 public:
  explicit PythonNode(ClassPtr node_class) : class_(std::move(node_class)) {
    const Gil gil;
    instance_ = checked(PyObject_CallMethod(class_->info.get(), "make", nullptr));
  }
  ~PythonNode() override {
    const Gil gil;
    instance_ = Ref();
  }

  Outputs run(const Inputs& in, Context& context) override {
    const Gil gil;
    auto call = std::make_unique<Call>(context);
    const Ref told = checked(PyObject_CallMethod(host_module(), "call", "OOOl", class_->info.get(), instance_.get(), arguments(in).get(), call->number()));
    if (PyTuple_Check(told.get())) return outputs_of(told.get(), class_->schema);
    return begin_later(told.get(), std::move(call));
  }

  std::vector<std::string> wants(const Inputs& in) override {
    const Gil gil;
    return texts_of(checked(PyObject_CallMethod(class_->info.get(), "wants", "OO", instance_.get(), arguments(in).get())).get());
  }

 private:
  Outputs begin_later(PyObject* coroutine, std::unique_ptr<Call> call) {
    auto later = std::make_unique<Later>();
    const long number = call->number();
    Outputs outputs;
    outputs.pending = std::make_shared<PendingOutputs>();
    outputs.pending->result = later->promise.get_future();
    later->node_class = class_;
    later->call = std::move(call);
    {
      const std::scoped_lock lock(laters().mutex);
      laters().open.emplace(number, std::move(later));
    }
    const Ref begun = Ref::take(PyObject_CallMethod(host_module(), "call_later", "Ol", coroutine, number));
    if (!begun) {
      std::map<long, std::unique_ptr<Later>>::node_type unbegun;  // ends without the mutex: the end of its call may have to wait
      {
        const std::scoped_lock lock(laters().mutex);
        unbegun = laters().open.extract(number);
      }
      throw_raised();
    }
    return outputs;
  }

  ClassPtr class_;
  Ref instance_;
};

json::value mark(const ClassPtr& node_class, const Inputs& constants) {
  const Gil gil;
  const Ref told = checked(PyObject_CallMethod(node_class->info.get(), "is_changed", "O", arguments(constants).get()));
  if (auto plain = from_python(told.get()).to_json()) return *plain;
  return json::value(text_of(checked(PyObject_Repr(told.get())).get()));
}

json::value verdict(const ClassPtr& node_class, const Inputs& in, const json::object& types) {
  const Gil gil;
  const Ref told = checked(PyObject_CallMethod(node_class->info.get(), "validate", "OO", arguments(in).get(), to_python(json::value(types)).get()));
  return from_python(told.get()).to_json().value_or(json::value(false));
}

/// The schema as the class's functions give it now; runs code of the pack.
NodeSchema schema_of(const ClassPtr& node_class) {
  const Gil gil;
  return NodeSchema::from_wire(parse_json(text_of(checked(PyObject_CallMethod(node_class->info.get(), "wire_now", nullptr)).get()), {.round_wide_integers = true}).as_object());
}

bool flag(PyObject* info, const char* name) { return PyObject_IsTrue(checked(PyObject_GetAttrString(info, name)).get()) == 1; }

}  // namespace

NodeClass node_class(PyObject* info) {
  const auto made = std::make_shared<Class>();
  made->info = Ref::share(info);
  made->schema = NodeSchema::from_wire(parse_json(text_of(checked(PyObject_GetAttrString(info, "wire")).get()), {.round_wide_integers = true}).as_object());
  const ClassPtr shared = made;
  NodeClass entry;
  entry.schema = shared->schema;
  entry.make = [shared] { return std::make_unique<PythonNode>(shared); };
  if (shared->schema.has_fingerprint()) entry.fingerprint = [shared](const Inputs& constants, const Folders&) { return mark(shared, constants); };
  if (shared->schema.validator()) entry.validate = [shared](const Inputs& in, const json::object& types) { return verdict(shared, in, types); };
  entry.is_async = flag(info, "is_async");
  entry.takes_any_input = flag(info, "takes_any_input");
  entry.takes_any_constant = flag(info, "takes_any_constant");
  entry.schema_now = [shared] { return schema_of(shared); };
  return entry;
}

void finish_later(long number, PyObject* result, PyObject* exception) {
  std::unique_ptr<Later> later;
  {
    const std::scoped_lock lock(laters().mutex);
    const auto at = laters().open.find(number);
    if (at == laters().open.end()) return;
    later = std::move(at->second);
    laters().open.erase(at);
  }
  later->call.reset();
  try {
    if (exception) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
      throw_raised();
    }
    later->promise.set_value(outputs_of(result, later->node_class->schema));
  } catch (...) {
    later->promise.set_exception(std::current_exception());
  }
}

}  // namespace darkroom::py
