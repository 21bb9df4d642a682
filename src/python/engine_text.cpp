// CLIP for Python: tokens that packs may change, and what is made of them.

#include <string>

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "python/calls.hpp"
#include "python/engine.hpp"
#include "python/engine_values.hpp"
#include "python/errors.hpp"
#include "python/values.hpp"

namespace darkroom::py {
namespace {

/// (id or vector, weight)
Ref token_tuple(const PromptToken& token) {
  const Ref what = token.vector.defined() ? tensor_to_python(token.vector) : checked(PyLong_FromLong(token.id));
  return checked(Py_BuildValue("(Od)", what.get(), token.weight));
}

template <class Items, class Make>
Ref list_of(const Items& items, Make make) {
  Ref list = checked(PyList_New(static_cast<Py_ssize_t>(items.size())));
  for (std::size_t i = 0; i < items.size(); ++i) PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), make(items[i]).release());
  return list;
}

Ref tokens_dict(const Clip::Tokens& tokens) {
  Ref dict = checked(PyDict_New());
  for (const auto& [encoder, chunks] : tokens) {
    const Ref list = list_of(chunks, [](const Chunk& chunk) { return list_of(chunk, token_tuple); });
    if (PyDict_SetItemString(dict.get(), encoder.c_str(), list.get()) != 0) throw_raised();
  }
  return dict;
}

template <class Take>
void each(PyObject* sequence, Take take) {
  const Ref items = checked(PySequence_Fast(sequence, "tokens have to be lists of lists of (token, weight)"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) take(PySequence_Fast_GET_ITEM(items.get(), i));
}

PromptToken token_of(PyObject* item) {
  const Ref pair = checked(PySequence_Fast(item, "a token has to be (token, weight)"));
  if (PySequence_Fast_GET_SIZE(pair.get()) < 2) throw InvalidInput("a token has to be (token, weight)");
  PyObject* what = PySequence_Fast_GET_ITEM(pair.get(), 0);
  PromptToken token;
  if (is_tensor(what)) token.vector = tensor_from_python(what);
  else token.id = static_cast<int>(PyLong_AsLong(what));
  token.weight = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(pair.get(), 1));
  if (PyErr_Occurred()) throw_raised();
  return token;
}

Clip::Tokens tokens_of(PyObject* dict) {
  Clip::Tokens tokens;
  PyObject *key = nullptr, *list = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &list);) {
    auto& chunks = tokens[text_of(key)];
    each(list, [&](PyObject* tokens_of_chunk) {
      auto& chunk = chunks.emplace_back();
      each(tokens_of_chunk, [&](PyObject* token) { chunk.push_back(token_of(token)); });
    });
  }
  return tokens;
}

PyObject* tokenize(PyObject*, PyObject* args) {
  long call = 0;
  PyObject* clip = nullptr;
  const char* text = nullptr;
  if (!PyArg_ParseTuple(args, "lOs", &call, &clip, &text)) return nullptr;
  return guarded([&] {
    const auto held = held_in<Clip>(clip, "CLIP");
    Clip::Tokens tokens;
    // Embeddings lie in the folders of the running prompt; without one there are none.
    if (!through_call(call, [&](Context& context) { tokens = held->tokenize(text, prompt_context(context)); })) {
      const Unlocked unlocked;
      tokens = held->tokenize(text, {});
    }
    return tokens_dict(tokens).release();
  });
}

PyObject* encode(PyObject*, PyObject* args) {
  long call = 0;
  PyObject *clip = nullptr, *given = nullptr;
  if (!PyArg_ParseTuple(args, "lOO!", &call, &clip, &PyDict_Type, &given)) return nullptr;
  return guarded([&] {
    const auto held = held_in<Clip>(clip, "CLIP");
    const auto tokens = tokens_of(given);
    Cond cond;
    if (!through_call(call, [&](Context& context) { cond = held->encode(tokens, prompt_context(context)); })) {
      const Unlocked unlocked;
      cond = held->encode(tokens, {});
    }
    const Ref text = tensor_to_python(cond.text), pooled = cond.pooled && cond.pooled->defined() ? tensor_to_python(*cond.pooled) : Ref::share(Py_None);
    return Py_BuildValue("(OO)", text.get(), pooled.get());
  });
}

PyMethodDef methods[] = {{"clip_tokenize", tokenize, METH_VARARGS, "clip_tokenize(call, clip, text): {encoder: [[(token, weight)]]}"},
                         {"clip_encode", encode, METH_VARARGS, "clip_encode(call, clip, tokens): (text [1,T,D], pooled [1,P] or None)"},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyMethodDef* text_methods() { return methods; }

}  // namespace darkroom::py
