#include "python/bridge.hpp"

#include <c10/core/InferenceMode.h>

#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/log.hpp"
#include "python/calls.hpp"
#include "python/engine.hpp"
#include "python/errors.hpp"
#include "python/python_node.hpp"
#include "python/values.hpp"
#include "storage/folders.hpp"
#include "worker/node.hpp"
#include "worker/pack_link.hpp"

namespace darkroom::py {
namespace {

PackLink* pack_link = nullptr;

/// Code that certainly belongs to no call of a node (current.OUTSIDE), though others may run.
constexpr long kOutside = -1;

Audience audience(const char* sid, const Context& context) {
  if (!sid) return Audience::everybody();
  if (sid == string_or(context.extra_data(), "client_id", "")) return {};
  return {.sid = sid};
}

/// Does `work(link)` without the interpreter's lock: sending may have to wait.
template <class Work>
void beside(Work work) {
  const Unlocked unlocked;
  work(*pack_link);
}

std::optional<std::string> listener(const char* sid) { return sid ? std::optional<std::string>(sid) : std::nullopt; }

void unheard(const char* what) { log::warn("{} of a pack is lost: no prompt runs that it could belong to", what); }

PyObject* send(PyObject*, PyObject* args) {
  long call = 0;
  const char *type = nullptr, *text = nullptr, *sid = nullptr;
  if (!PyArg_ParseTuple(args, "lssz", &call, &type, &text, &sid)) return nullptr;
  return guarded([&] {
    auto data = parse_json(text);
    const auto by_call = [&](Context& context) { context.send(type, std::move(data), audience(sid, context)); };
    if (call == kOutside || !through_call(call, by_call)) beside([&](PackLink& link) { link.send(type, std::move(data), listener(sid)); });
    Py_RETURN_NONE;
  });
}

PyObject* send_binary(PyObject*, PyObject* args) {
  long call = 0;
  unsigned event = 0;
  const char *bytes = nullptr, *sid = nullptr;
  Py_ssize_t size = 0;
  if (!PyArg_ParseTuple(args, "lIy#z", &call, &event, &bytes, &size, &sid)) return nullptr;
  return guarded([&] {
    std::string copy(bytes, static_cast<std::size_t>(size));
    const auto by_call = [&](Context& context) { context.send_binary(event, std::move(copy), audience(sid, context)); };
    if (call == kOutside || !through_call(call, by_call))
      beside([&](PackLink& link) { link.send_binary(event, std::move(copy), listener(sid)); });
    Py_RETURN_NONE;
  });
}

PyObject* progress(PyObject*, PyObject* args) {
  long call = 0;
  long long value = 0, max = 0;
  const char *format = nullptr, *bytes = nullptr;
  Py_ssize_t size = 0;
  if (!PyArg_ParseTuple(args, "lLLzz#", &call, &value, &max, &format, &bytes, &size)) return nullptr;
  return guarded([&] {
    std::string picture(bytes ? bytes : "", static_cast<std::size_t>(bytes ? size : 0));
    through_call(call, [&](Context& context) {
      if (format) context.progress(value, max, format, std::move(picture));
      else context.progress(value, max);
    });
    Py_RETURN_NONE;
  });
}

PyObject* show_text(PyObject*, PyObject* args) {
  long call = 0;
  const char* text = nullptr;
  if (!PyArg_ParseTuple(args, "ls", &call, &text)) return nullptr;
  return guarded([&] {
    if (!through_call(call, [&](Context& context) { context.text(text); })) unheard("a text");
    Py_RETURN_NONE;
  });
}

PyObject* check(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] {
    if (!through_call(call, [](const Context& context) { context.check(); }) && pack_link->interrupted()) throw Interrupted();
    Py_RETURN_NONE;
  });
}

/// (node id, client id, number of the call in list mapping, --disable-metadata), empty texts without a call.
PyObject* whose(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] {
    std::string node, client;
    int index = 0, bare = 0;
    through_call(call, [&](const Context& context) {
      node = context.node_id(), client = string_or(context.extra_data(), "client_id", ""), index = context.call_index(), bare = context.metadata_disabled();
    });
    return Py_BuildValue("ssii", node.c_str(), client.c_str(), index, bare);
  });
}

/// What the gateway answers to a question out of this call: about jobs of its user, or of the server's where nobody's code asks.
PyObject* answer_to(long call, json::object question) {
  if (call <= 0) question["outside"] = true;
  std::string text;
  beside([&](PackLink& link) { text = link.ask(std::move(question)); });
  return to_python(json::value(text)).release();
}

PyObject* queue(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] { return answer_to(call, {{"what", "queue"}}); });
}

PyObject* history(PyObject*, PyObject* args) {
  long call = 0;
  const char* prompt = nullptr;
  if (!PyArg_ParseTuple(args, "ls", &call, &prompt)) return nullptr;
  return guarded([&] { return answer_to(call, {{"what", "history"}, {"prompt", prompt}}); });
}

/// The folder of this kind ("input", "output", "temp") of the user whose call it is; None without a call.
PyObject* folder(PyObject*, PyObject* args) {
  long call = 0;
  const char* kind = nullptr;
  if (!PyArg_ParseTuple(args, "ls", &call, &kind)) return nullptr;
  return guarded([&]() -> PyObject* {
    std::string path;
    through_call(call, [&](const Context& context) {
      if (const auto found = context.folders().by_type(kind)) path = found->string();
    });
    if (path.empty()) Py_RETURN_NONE;
    return to_python(json::value(path)).release();
  });
}

/// (client, prompt id, display id of the node): empty texts for none.
PyObject* running(PyObject*, PyObject*) {
  return guarded([] {
    const auto shown = pack_link->running();
    return Py_BuildValue("(sss)", shown.client.c_str(), shown.prompt.c_str(), shown.node.c_str());
  });
}

/// Code of this pack is imported next.
PyObject* importing(PyObject*, PyObject* args) {
  const char* pack = nullptr;
  if (!PyArg_ParseTuple(args, "s", &pack)) return nullptr;
  return guarded([&] {
    beside([&](PackLink& link) { link.importing(pack); });
    Py_RETURN_NONE;
  });
}

PyObject* wants_prompts(PyObject*, PyObject*) {
  return guarded([] {
    beside([](PackLink& link) { link.wants_prompts(); });
    Py_RETURN_NONE;
  });
}

/// The call's prompt is cancelled, as by a client.
PyObject* interrupt(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] {
    if (!through_call(call, [](Context& context) { context.interrupt(); })) pack_link->interrupt();
    Py_RETURN_NONE;
  });
}

/// The nodes that others turned into, as Context::made_nodes() has them.
PyObject* made_nodes(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] {
    json::object copy;
    through_call(call, [&](const Context& context) { copy = context.made_nodes(); });
    return to_python(json::value(std::move(copy))).release();
  });
}

/// The prompt that runs, as a dict; None without a call.
PyObject* prompt(PyObject*, PyObject* args) {
  long call = 0;
  if (!PyArg_ParseTuple(args, "l", &call)) return nullptr;
  return guarded([&] {
    json::value copy;
    through_call(call, [&](const Context& context) { copy = context.prompt(); });
    return to_python(copy).release();
  });
}

/// This thread computes without gradients from now on, as the one that runs nodes does.
PyObject* without_gradients(PyObject*, PyObject*) {
  static thread_local c10::InferenceMode mode;
  Py_RETURN_NONE;
}

PyObject* write_log(PyObject*, PyObject* args) {
  const char *level = nullptr, *text = nullptr;
  if (!PyArg_ParseTuple(args, "ss", &level, &text)) return nullptr;
  const std::string_view wanted = level;
  if (wanted == "DEBUG") log::debug("{}", text);
  else if (wanted == "INFO") log::info("{}", text);
  else if (wanted == "WARNING") log::warn("{}", text);
  else log::error("{}", text);
  Py_RETURN_NONE;
}

PyObject* use_interrupt(PyObject*, PyObject* type) {
  set_interrupt_type(type);
  Py_RETURN_NONE;
}

/// finished(number, result or None, exception or None): an async call is done.
PyObject* finished(PyObject*, PyObject* args) {
  long number = 0;
  PyObject *result = nullptr, *fault = nullptr;
  if (!PyArg_ParseTuple(args, "lOO", &number, &result, &fault)) return nullptr;
  return guarded([&] {
    finish_later(number, result == Py_None ? nullptr : result, fault == Py_None ? nullptr : fault);
    Py_RETURN_NONE;
  });
}

PyMethodDef methods[] = {{"send", send, METH_VARARGS, "send(call, type, json, sid): sid None is everybody"},
                         {"send_binary", send_binary, METH_VARARGS, "send_binary(call, event, bytes, sid)"},
                         {"progress", progress, METH_VARARGS, "progress(call, value, max, format, picture)"},
                         {"text", show_text, METH_VARARGS, "text(call, text): shown at the node"},
                         {"check", check, METH_VARARGS, "check(call): raises when the prompt was interrupted"},
                         {"whose", whose, METH_VARARGS, "whose(call): (node id, client id, call index, no metadata)"},
                         {"history", history, METH_VARARGS, "history(call, prompt id or \"\"): GET /history, as JSON"},
                         {"folder", folder, METH_VARARGS, "folder(call, kind): \"input\", \"output\" or \"temp\" of its user; None without a call"},
                         {"running", running, METH_NOARGS, "running(): (client id, prompt id, display id of the node)"},
                         {"importing", importing, METH_VARARGS, "importing(pack): its code runs next"},
                         {"wants_prompts", wants_prompts, METH_NOARGS, "wants_prompts(): a prompt handler was added after hello"},
                         {"queue", queue, METH_VARARGS, "queue(call): GET /queue, as JSON"},
                         {"interrupt", interrupt, METH_VARARGS, "interrupt(call): cancels the prompt"},
                         {"made_nodes", made_nodes, METH_VARARGS, "made_nodes(call): {id: {node, parent, display, real}}, while the call begins"},
                         {"prompt", prompt, METH_VARARGS, "prompt(call): the prompt that runs"},
                         {"without_gradients", without_gradients, METH_NOARGS, "without_gradients(): inference mode for this thread"},
                         {"log", write_log, METH_VARARGS, "log(level, text)"},
                         {"use_interrupt", use_interrupt, METH_O, "use_interrupt(type): what check() raises"},
                         {"finished", finished, METH_VARARGS, "finished(number, result, exception)"},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "_darkroom", "The worker around this interpreter.", -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

void use_link(PackLink& link) { pack_link = &link; }

PyObject* make_bridge() {
  Ref module = Ref::take(PyModule_Create(&module_definition));
  for (PyMethodDef* more : {native_methods(), text_methods(), model_methods(), sampling_methods()})
    if (module && PyModule_AddFunctions(module.get(), more) != 0) return nullptr;
  return module.release();
}

}  // namespace darkroom::py
