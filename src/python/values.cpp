#include "python/values.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>
#include <dlfcn.h>

#include <memory>

#include "nodes/diffusion_values.hpp"
#include "python/conditionings.hpp"
#include "python/errors.hpp"
#include "python/handles.hpp"
#include "python/host.hpp"
#include "worker/tensors.hpp"

namespace darkroom::py {
namespace {

/// What libtorch_python offers, once torch has been imported.
struct Torch {
  using Wrap = PyObject* (*)(const at::TensorBase&);
  Wrap wrap = nullptr;
  PyTypeObject* tensor = nullptr;
};

/// torch, when somebody has imported it; `import`: imports it.
const Torch* torch(bool import) {
  static Torch found;
  if (found.wrap) return &found;
  const Ref module = import ? checked(PyImport_ImportModule("torch")) : Ref::take(PyImport_GetModule(Ref::take(PyUnicode_FromString("torch")).get()));
  if (!module) {
    PyErr_Clear();
    return nullptr;
  }
  const Ref type = checked(PyObject_GetAttrString(module.get(), "Tensor"));
  void* library = ::dlopen("libtorch_python.so", RTLD_NOW | RTLD_NOLOAD);
  const auto wrap = library ? reinterpret_cast<Torch::Wrap>(::dlsym(library, "_Z16THPVariable_WrapRKN2at10TensorBaseE")) : nullptr;
  if (!wrap || !PyType_Check(type.get())) throw InternalError("this torch offers no way to share its tensors");
  found.tensor = reinterpret_cast<PyTypeObject*>(Ref(type).release());
  found.wrap = wrap;
  return &found;
}

Ref latent_dict(const LatentObject& latent) {
  Ref dict = checked(latent.more ? PyDict_Copy(dict_kept_in(latent.more)) : PyDict_New());
  const auto set = [&](const char* key, const Ref& value) {
    if (PyDict_SetItemString(dict.get(), key, value.get()) != 0) throw_raised();
  };
  set("samples", tensor_to_python(latent.samples));
  if (latent.noise_mask) set("noise_mask", tensor_to_python(*latent.noise_mask));
  if (latent.batch_index) {
    const Ref list = checked(PyList_New(0));
    for (const auto index : *latent.batch_index)
      if (PyList_Append(list.get(), checked(PyLong_FromLongLong(index)).get()) != 0) throw_raised();
    set("batch_index", list);
  }
  return dict;
}

/// Whole numbers; nothing for anything else.
std::optional<std::vector<std::int64_t>> integers_of(PyObject* sequence) {
  const Ref items = Ref::take(PySequence_Fast(sequence, ""));
  std::vector<std::int64_t> list;
  for (Py_ssize_t i = 0; items && i < PySequence_Fast_GET_SIZE(items.get()) && !PyErr_Occurred(); ++i)
    list.push_back(PyLong_AsLongLong(PySequence_Fast_GET_ITEM(items.get(), i)));
  if (!PyErr_Occurred()) return list;
  PyErr_Clear();
  return std::nullopt;
}

/// A dict with a latent's samples; null for any other. Keys of its own stay with it.
std::shared_ptr<const LatentObject> latent_of(PyObject* dict) {
  PyObject* samples = PyDict_GetItemString(dict, "samples");
  if (!samples || !is_tensor(samples)) return nullptr;
  auto latent = std::make_shared<LatentObject>();
  latent->samples = tensor_from_python(samples);
  Ref rest = checked(PyDict_Copy(dict));
  const auto take = [&rest](const char* key) {
    if (PyDict_DelItemString(rest.get(), key) != 0) PyErr_Clear();
  };
  take("samples");
  if (PyObject* mask = PyDict_GetItemString(dict, "noise_mask")) {
    if (mask != Py_None && !is_tensor(mask)) return nullptr;
    if (mask != Py_None) latent->noise_mask = tensor_from_python(mask);
    take("noise_mask");
  }
  if (PyObject* index = PyDict_GetItemString(dict, "batch_index")) {
    if (index != Py_None && !(latent->batch_index = integers_of(index))) return nullptr;
    take("batch_index");
  }
  if (PyDict_GET_SIZE(rest.get()) > 0) latent->more = kept_dict(std::move(rest));
  return latent;
}

/// Can a value of the type `wanted` go through an output of this type? ("LATENT", "IMAGE,LATENT", "*")
bool allows(std::string_view type, std::string_view wanted) { return type == "*" || type.find(wanted) != type.npos; }

Ref text(std::string_view text) { return checked(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace")); }

}  // namespace

bool is_tensor(PyObject* object) {
  const Torch* known = torch(false);
  return known && PyObject_TypeCheck(object, known->tensor);
}

Ref tensor_to_python(const at::Tensor& tensor) { return checked(torch(true)->wrap(tensor)); }

at::Tensor tensor_from_python(PyObject* object) {
  const Ref address = checked(PyObject_GetAttrString(object, "_cdata"));
  auto* impl = static_cast<c10::TensorImpl*>(PyLong_AsVoidPtr(address.get()));
  if (!impl) throw_raised();
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(impl));
}

std::shared_ptr<const void> kept_dict(Ref dict) {
  return {dict.release(), [](const void* object) {
            const Gil gil;
            Py_DECREF(static_cast<PyObject*>(const_cast<void*>(object)));
          }};
}

PyObject* dict_kept_in(const std::shared_ptr<const void>& kept) { return static_cast<PyObject*>(const_cast<void*>(kept.get())); }

HeldObject::~HeldObject() {
  const Gil gil;
  object_ = Ref();
}

std::string HeldObject::describe() const {
  const Gil gil;
  const Ref text = Ref::take(PyObject_Str(get()));
  if (text) return text_of(text.get());
  PyErr_Clear();
  return std::string(Py_TYPE(get())->tp_name) + "()";
}

std::size_t HeldObject::bytes() const { return 256; }  // unknown: what it holds is Python's

Ref to_python(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return Ref::share(Py_None);
    case json::kind::bool_: return Ref::share(value.get_bool() ? Py_True : Py_False);
    case json::kind::int64: return checked(PyLong_FromLongLong(value.get_int64()));
    case json::kind::uint64: return checked(PyLong_FromUnsignedLongLong(value.get_uint64()));
    case json::kind::double_: return checked(PyFloat_FromDouble(value.get_double()));
    case json::kind::string: return text(value.get_string());
    case json::kind::array: {
      const auto& items = value.get_array();
      Ref list = checked(PyList_New(static_cast<Py_ssize_t>(items.size())));
      for (std::size_t i = 0; i < items.size(); ++i) PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_python(items[i]).release());
      return list;
    }
    case json::kind::object: {
      Ref dict = checked(PyDict_New());
      for (const auto& [key, item] : value.get_object())
        if (PyDict_SetItem(dict.get(), text(key).get(), to_python(item).get()) != 0) throw_raised();
      return dict;
    }
  }
  return Ref::share(Py_None);
}

Ref to_python(const Value& value) {
  if (const auto* items = value.if_list()) {
    Ref list = checked(PyList_New(static_cast<Py_ssize_t>(items->size())));
    for (std::size_t i = 0; i < items->size(); ++i) PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_python((*items)[i]).release());
    return list;
  }
  if (const auto* items = value.if_dict()) {
    Ref dict = checked(PyDict_New());
    for (const auto& [key, item] : *items)
      if (PyDict_SetItem(dict.get(), text(key).get(), to_python(item).get()) != 0) throw_raised();
    return dict;
  }
  if (const auto* plain = value.if_json()) return to_python(*plain);
  if (auto object = value.object()) {
    if (const auto held = value.object<HeldObject>()) return Ref::share(held->get());
    if (const auto tensor = value.object<TensorObject>()) return tensor_to_python(tensor->tensor);
    if (const auto latent = value.object<LatentObject>()) return latent_dict(*latent);
    if (const auto entries = value.object<ConditioningValue>()) return conditioning_list(*entries->held);
    return handle_of(std::move(object));
  }
  if (const Blocker* blocker = value.blocker()) return checked(PyObject_CallMethod(host_module(), "blocker", "z", blocker->message ? blocker->message->c_str() : nullptr));
  const auto plain = value.to_json();
  return plain ? to_python(*plain) : Ref::share(Py_None);
}

Value from_python(PyObject* object, std::string_view type) {
  if (object == Py_None) return {};
  if (PyBool_Check(object)) return object == Py_True;
  if (PyLong_Check(object)) {
    int overflow = 0;
    const auto number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) return static_cast<std::int64_t>(number);
    const auto wide = PyLong_AsUnsignedLongLong(object);
    if (!PyErr_Occurred()) return static_cast<std::uint64_t>(wide);
    PyErr_Clear();
  } else if (PyFloat_Check(object)) {
    return PyFloat_AS_DOUBLE(object);
  } else if (PyUnicode_Check(object)) {
    return text_of(object);
  } else if (is_tensor(object)) {
    return tensor_value(tensor_from_python(object));
  } else if (PyDict_CheckExact(object)) {
    if (auto latent = allows(type, "LATENT") ? latent_of(object) : nullptr) return std::shared_ptr<const Object>(std::move(latent));
  } else if (PyList_CheckExact(object)) {
    if (auto entries = allows(type, "CONDITIONING") ? conditioning_of(object) : std::nullopt) return conditioning_value(std::move(*entries));
  } else if (auto native = object_of(object)) {
    return native;
  } else if (const int is_blocker = PyObject_IsInstance(object, blocker_type()); is_blocker < 0) {
    PyErr_Clear();  // an object that can't say what it is
  } else if (is_blocker == 1) {
    const Ref message = checked(PyObject_GetAttrString(object, "message"));
    return Blocker{message.get() == Py_None ? std::nullopt : std::optional(text_of(message.get()))};
  }
  return std::shared_ptr<const Object>(std::make_shared<HeldObject>(Ref::share(object)));
}

List list_from_python(PyObject* sequence) {
  const Ref items = checked(PySequence_Fast(sequence, "a list was expected"));
  List list;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) list.push_back(from_python(PySequence_Fast_GET_ITEM(items.get(), i)));
  return list;
}

std::string text_of(PyObject* text) {
  Py_ssize_t size = 0;
  if (const char* data = PyUnicode_AsUTF8AndSize(text, &size)) return {data, static_cast<std::size_t>(size)};
  PyErr_Clear();
  const Ref bytes = Ref::take(PyUnicode_AsEncodedString(text, "utf-8", "replace"));
  if (bytes) return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
  PyErr_Clear();
  return "";
}

std::vector<std::string> texts_of(PyObject* sequence) {
  const Ref items = checked(PySequence_Fast(sequence, "a list of texts was expected"));
  std::vector<std::string> texts;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) texts.push_back(text_of(PySequence_Fast_GET_ITEM(items.get(), i)));
  return texts;
}

}  // namespace darkroom::py
