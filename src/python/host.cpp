#include "python/host.hpp"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "python/bridge.hpp"
#include "python/engine.hpp"
#include "python/errors.hpp"
#include "python/python_node.hpp"
#include "python/values.hpp"
#include "storage/folders.hpp"
#include "worker/node.hpp"
#include "worker/pack_link.hpp"

namespace darkroom {
namespace py {
namespace {

PyObject* host = nullptr;  // for the life of the process, as Python itself
PyObject* blocker = nullptr;
PyObject* handle = nullptr;

std::string environment() {
  const char* set = std::getenv("DARKROOM_VENV");
  return set && *set ? set : DARKROOM_PYTHON_VENV;
}

void must(const PyStatus& status, PyConfig& config) {
  if (!PyStatus_Exception(status)) return;
  const std::string why = status.err_msg ? status.err_msg : "no reason given";
  PyConfig_Clear(&config);
  throw InternalError("Python does not start: " + why);
}

/// Leaves the lock with the caller.
void start_interpreter() {
  PyImport_AppendInittab("_darkroom", make_bridge);
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.parse_argv = 0;
  config.buffered_stdio = 0;
  const std::string program = environment() + "/bin/python3";
  must(PyConfig_SetBytesString(&config, &config.program_name, program.c_str()), config);
  must(PyConfig_SetBytesString(&config, &config.executable, program.c_str()), config);
  char name[] = "darkroom";
  char* arguments[] = {name};
  must(PyConfig_SetBytesArgv(&config, 1, arguments), config);
  must(Py_InitializeFromConfig(&config), config);
  PyConfig_Clear(&config);
  PyObject* path = PySys_GetObject("path");
  if (!path || PyList_Insert(path, 0, checked(PyUnicode_FromString(DARKROOM_PYTHON_PACKAGE)).get()) != 0) throw_raised();
}

}  // namespace

PyObject* host_module() { return host; }
PyObject* blocker_type() { return blocker; }
PyObject* handle_type() { return handle; }

}  // namespace py

namespace {

/// Packs that an import would find.
json::array importable_packs(const Folders& folders) {
  json::array paths;
  std::error_code ignored;
  for (const auto& pack : folders.packs())
    if (!std::filesystem::is_directory(pack, ignored) || std::filesystem::exists(pack / "__init__.py", ignored)) paths.emplace_back(pack.string());
  return paths;
}

/// The choices of KSampler's input.
json::array choices(const Registry& registry, const char* input) {
  const NodeClassPtr sampler = registry.find("KSampler");
  const InputSpec* spec = sampler ? sampler->schema.find_input(input) : nullptr;
  return spec ? spec->choices : json::array();
}

/// The body of a request as the handlers of packs leave it.
json::value handled_prompt(const json::value& body) {
  const py::Gil gil;
  return parse_json(py::text_of(py::checked(PyObject_CallMethod(py::host, "handled_prompt", "O", py::to_python(body).get())).get()));
}

/// A job is about to run whose files lie here.
void enter_folders(const Folders& folders) {
  const py::Gil gil;
  const json::value told = json::object{{"input", folders.input.string()}, {"output", folders.output.string()}, {"temp", folders.temp.string()}};
  py::checked(PyObject_CallMethod(py::host, "enter_folders", "O", py::to_python(told).get()));
}

}  // namespace

void load_python_packs(Registry& registry, const Folders& folders, PackLink& link) {
  const json::array packs = importable_packs(folders);
  if (py::host || packs.empty()) return;
  py::use_native_nodes(registry);
  using py::checked, py::Ref;
  py::use_link(link);
  py::start_interpreter();
  try {
    py::host = checked(PyImport_ImportModule("darkroom_host")).release();
    py::blocker = checked(PyObject_GetAttrString(py::host, "ExecutionBlocker")).release();
    py::handle = checked(PyObject_GetAttrString(py::host, "Handle")).release();
    const json::value told = json::object{{"folders", folders.to_json()}, {"server", link.server()}, {"samplers", choices(registry, "sampler_name")}, {"schedulers", choices(registry, "scheduler")}};
    checked(PyObject_CallMethod(py::host, "start", "O", py::to_python(told).get()));
    std::set<std::string> added;
    const Ref classes = checked(PyObject_CallMethod(py::host, "load_packs", "O", py::to_python(json::value(packs)).get()));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes.get()); ++i) {
      try {
        NodeClass entry = py::node_class(PyList_GET_ITEM(classes.get(), i));
        const std::string& name = entry.schema.node_class();
        // Among packs the later one wins.
        if (registry.find(name) && !added.contains(name)) {
          log::warn("the node class {} is there already: that of a pack is left out", name);
          checked(PyObject_CallMethod(py::host, "taken", "ss", name.c_str(), entry.schema.python_module().c_str()));
          continue;
        }
        added.insert(name);
        registry.add(std::move(entry));
      } catch (const std::exception& error) {
        log::error("a class of a pack is left out: {}", error.what());
      }
    }
    json::value about = parse_json(py::text_of(checked(PyObject_CallMethod(py::host, "opened", "i", link.door())).get()));
    link.announce(std::move(about.as_object()));
    registry.prompt_hook = handled_prompt;
    registry.on_folders = enter_folders;
  } catch (...) {
    PyEval_SaveThread();
    throw;
  }
  PyEval_SaveThread();
}

}  // namespace darkroom
