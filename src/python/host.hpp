#pragma once
// CPython inside the worker: started when there is a pack of nodes, and only then.

#include "python/ref.hpp"

namespace darkroom {

class Folders;
class PackLink;
class Registry;

/// Starts Python where custom_nodes has a pack, imports the packs and adds their node classes; a class that is there already stays. A pack
/// that can't be imported is left out, with the reason in the log and announced. Routes of packs are served from then on, over `link`. Once
/// in a process. Throws InternalError when Python does not start.
void load_python_packs(Registry& registry, const Folders& folders, PackLink& link);

namespace py {

PyObject* host_module();   ///< the module darkroom_host; borrowed
PyObject* blocker_type();  ///< ExecutionBlocker; borrowed
PyObject* handle_type();   ///< darkroom_host.handles.Handle; borrowed

}  // namespace py
}  // namespace darkroom
