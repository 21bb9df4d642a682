#include "python/conditionings.hpp"

#include <string>

#include "base/error.hpp"
#include "diffusion/control.hpp"
#include "diffusion/gligen.hpp"
#include "nodes/diffusion/hook_values.hpp"
#include "nodes/diffusion_values.hpp"
#include "python/errors.hpp"
#include "python/handles.hpp"
#include "python/values.hpp"

namespace darkroom {

// What only the engine understands of a conditioning travels in Python's dict as handles.
using ControlChain = Held<ControlLink>;
using Boxes = Held<GligenUse>;
using UnclipPictures = Held<std::vector<UnclipImage>>;

template <>
std::string ControlChain::describe() const { return "<controls>"; }
template <>
std::size_t ControlChain::bytes() const { return 0; }
template <>
std::string Boxes::describe() const { return "<boxes>"; }
template <>
std::size_t Boxes::bytes() const { return 0; }
template <>
std::string UnclipPictures::describe() const { return "<pictures>"; }
template <>
std::size_t UnclipPictures::bytes() const { return 0; }

namespace py {
namespace {

class Writer {
 public:
  Writer() : dict_(checked(PyDict_New())) {}
  Ref take() { return std::move(dict_); }

  void set(const char* key, const Ref& value) {
    if (PyDict_SetItemString(dict_.get(), key, value.get()) != 0) throw_raised();
  }
  template <class T>
  void set(const char* key, const std::optional<T>& value) {
    if (value) set(key, to_python(json::value(*value)));
  }
  void set(const char* key, const std::optional<at::Tensor>& value) {
    if (value) set(key, tensor_to_python(*value));
  }
  /// What kept_dict() made.
  void add(const std::shared_ptr<const void>& kept) {
    if (kept && PyDict_Update(dict_.get(), dict_kept_in(kept)) != 0) throw_raised();
  }
  template <class T>
  void hold(const char* key, const std::shared_ptr<const T>& value) {
    if (value) set(key, handle_of(std::make_shared<darkroom::Held<T>>(value)));
  }

 private:
  Ref dict_;
};

Ref area_tuple(const Cond& cond) {
  if (const auto* area = std::get_if<Area>(&cond.area))
    return checked(Py_BuildValue("(LLLL)", static_cast<long long>(area->height), static_cast<long long>(area->width), static_cast<long long>(area->y), static_cast<long long>(area->x)));
  const auto& part = std::get<AreaFraction>(cond.area);
  return checked(Py_BuildValue("(sdddd)", "percentage", part.height, part.width, part.y, part.x));
}

Ref entry_dict(const Cond& cond) {
  Writer dict;
  dict.add(cond.more);
  dict.set("pooled_output", cond.pooled && cond.pooled->defined() ? tensor_to_python(*cond.pooled) : Ref::share(Py_None));
  dict.set("width", cond.size.width);
  dict.set("height", cond.size.height);
  dict.set("crop_w", cond.size.crop_w);
  dict.set("crop_h", cond.size.crop_h);
  dict.set("target_width", cond.size.target_width);
  dict.set("target_height", cond.size.target_height);
  dict.set("aesthetic_score", cond.size.aesthetic_score);
  if (cond.area.index() != 0) dict.set("area", area_tuple(cond));
  dict.set("strength", cond.strength);
  dict.set("mask", cond.mask);
  if (cond.mask) dict.set("mask_strength", std::optional(cond.mask_strength));
  if (cond.mask || cond.area_to_mask_bounds) dict.set("set_area_to_bounds", std::optional(cond.area_to_mask_bounds));
  dict.set("start_percent", cond.start_percent);
  dict.set("end_percent", cond.end_percent);
  dict.set("clip_start_percent", cond.text_start_percent);
  dict.set("clip_end_percent", cond.text_end_percent);
  if (cond.fallback) dict.set("default", std::optional(true));
  dict.hold("hooks", cond.hooks);
  dict.hold("control", cond.control);
  if (cond.control) dict.set("control_apply_to_uncond", std::optional(cond.control_applies_to_negative));
  dict.set("cross_attn_controlnet", cond.control_text);
  dict.set("pooled_output_controlnet", cond.control_pooled);
  dict.set("concat_latent_image", cond.concat_latent);
  dict.set("concat_mask", cond.concat_mask);
  if (!cond.unclip.empty()) dict.hold("unclip_conditioning", std::make_shared<const std::vector<UnclipImage>>(cond.unclip));
  dict.hold("gligen", cond.gligen);
  return dict.take();
}

/// Reads a dict key by key; what was not asked for is left over.
class Reader {
 public:
  explicit Reader(PyObject* dict) : left_(checked(PyDict_Copy(dict))) {}

  Ref take(const char* key) {
    PyObject* found = PyDict_GetItemString(left_.get(), key);
    if (!found) return {};
    Ref value = Ref::share(found);
    if (PyDict_DelItemString(left_.get(), key) != 0) throw_raised();
    return value.get() == Py_None ? Ref() : value;
  }
  void tensor(const char* key, std::optional<at::Tensor>& into) {
    if (const Ref value = take(key)) {
      if (!is_tensor(value.get())) throw wrong(key, value, "a tensor");
      into = tensor_from_python(value.get());
    }
  }
  std::optional<double> number(const char* key) {
    const Ref value = take(key);
    if (!value) return std::nullopt;
    return number_in(value.get(), key);
  }
  std::optional<std::int64_t> integer(const char* key) {
    const auto value = number(key);
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  }
  std::optional<bool> flag(const char* key) {
    const Ref value = take(key);
    if (!value) return std::nullopt;
    const int is = PyObject_IsTrue(value.get());
    if (is < 0) throw_raised();
    return is == 1;
  }
  /// None where a pack put an object of its own there: it stays with Python.
  template <class T>
  std::shared_ptr<const T> held(const char* key) {
    PyObject* found = PyDict_GetItemString(left_.get(), key);
    const auto object = found && found != Py_None ? std::dynamic_pointer_cast<const darkroom::Held<T>>(object_of(found)) : nullptr;
    if (!object) return nullptr;
    take(key);
    return object->held;
  }
  static double number_in(PyObject* value, const char* key) {
    const double number = PyFloat_AsDouble(value);
    if (number == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      throw wrong(key, Ref::share(value), "a number");
    }
    return number;
  }
  static InvalidInput wrong(const char* key, const Ref& value, const char* wanted) {
    return InvalidInput("the conditioning's '" + std::string(key) + "' has to be " + wanted + ", not " + Py_TYPE(value.get())->tp_name);
  }
  Ref rest() { return PyDict_GET_SIZE(left_.get()) == 0 ? Ref() : left_; }

 private:
  Ref left_;
};

void read_area(Reader& dict, Cond& cond) {
  const Ref value = dict.take("area");
  if (!value) return;
  const Ref parts = Ref::take(PySequence_Fast(value.get(), ""));
  if (!parts) {
    PyErr_Clear();
    throw Reader::wrong("area", value, "a tuple");
  }
  const auto part = [&](Py_ssize_t i) { return Reader::number_in(PySequence_Fast_GET_ITEM(parts.get(), i), "area"); };
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(parts.get());
  if (count == 5 && PyUnicode_Check(PySequence_Fast_GET_ITEM(parts.get(), 0))) {
    cond.area = AreaFraction{part(1), part(2), part(3), part(4)};
  } else if (count == 4) {
    const auto whole = [&](Py_ssize_t i) { return static_cast<std::int64_t>(part(i)); };
    cond.area = Area{whole(0), whole(1), whole(2), whole(3)};
  } else {
    throw InvalidInput("the conditioning's 'area' has to be (height, width, y, x)");
  }
}

Cond entry_of(PyObject* text, PyObject* options) {
  Cond cond;
  cond.text = tensor_from_python(text);
  Reader dict(options);
  dict.tensor("pooled_output", cond.pooled);
  cond.size = {dict.integer("width"), dict.integer("height"), dict.integer("crop_w"), dict.integer("crop_h"), dict.integer("target_width"), dict.integer("target_height"), dict.number("aesthetic_score")};
  read_area(dict, cond);
  cond.strength = dict.number("strength");
  dict.tensor("mask", cond.mask);
  cond.mask_strength = dict.number("mask_strength").value_or(1);
  cond.area_to_mask_bounds = dict.flag("set_area_to_bounds").value_or(false);
  cond.start_percent = dict.number("start_percent");
  cond.end_percent = dict.number("end_percent");
  cond.text_start_percent = dict.number("clip_start_percent");
  cond.text_end_percent = dict.number("clip_end_percent");
  cond.fallback = dict.flag("default").value_or(false);
  cond.hooks = dict.held<std::vector<Hook>>("hooks");
  cond.control = dict.held<ControlLink>("control");
  cond.control_applies_to_negative = dict.flag("control_apply_to_uncond").value_or(true);
  dict.tensor("cross_attn_controlnet", cond.control_text);
  dict.tensor("pooled_output_controlnet", cond.control_pooled);
  dict.tensor("concat_latent_image", cond.concat_latent);
  dict.tensor("concat_mask", cond.concat_mask);
  if (const auto pictures = dict.held<std::vector<UnclipImage>>("unclip_conditioning")) cond.unclip = *pictures;
  cond.gligen = dict.held<GligenUse>("gligen");
  if (Ref rest = dict.rest()) cond.more = kept_dict(std::move(rest));
  return cond;
}

}  // namespace

Ref conditioning_list(const Conditioning& entries) {
  Ref list = checked(PyList_New(static_cast<Py_ssize_t>(entries.size())));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Ref pair = checked(PyList_New(2));
    PyList_SET_ITEM(pair.get(), 0, tensor_to_python(entries[i].text).release());
    PyList_SET_ITEM(pair.get(), 1, entry_dict(entries[i]).release());
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), pair.release());
  }
  return list;
}

std::optional<Conditioning> conditioning_of(PyObject* list) {
  if (!PyList_CheckExact(list) || PyList_GET_SIZE(list) == 0) return std::nullopt;
  const auto pair_of = [](PyObject* item) -> std::pair<PyObject*, PyObject*> {
    if (PyList_Check(item) && PyList_GET_SIZE(item) == 2) return {PyList_GET_ITEM(item, 0), PyList_GET_ITEM(item, 1)};
    if (PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2) return {PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)};
    return {nullptr, nullptr};
  };
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    const auto [text, options] = pair_of(PyList_GET_ITEM(list, i));
    if (!text || !is_tensor(text) || !PyDict_Check(options)) return std::nullopt;
  }
  Conditioning entries;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    const auto [text, options] = pair_of(PyList_GET_ITEM(list, i));
    entries.push_back(entry_of(text, options));
  }
  return entries;
}

}  // namespace py
}  // namespace darkroom
