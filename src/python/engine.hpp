#pragma once
// The parts of the module _darkroom that reach into native nodes and networks, each a table of functions.

#include "python/ref.hpp"

namespace darkroom {

class Registry;

namespace py {

PyMethodDef* native_methods();    ///< native nodes, called from Python (native_nodes.cpp)
PyMethodDef* text_methods();      ///< CLIP (engine_text.cpp)
PyMethodDef* model_methods();     ///< MODEL, VAE and the like: what they are, patches of Python's (engine_model.cpp)
PyMethodDef* sampling_methods();  ///< runs of samplers, with parts of Python's (engine_sampling.cpp)

/// The native node classes that Python may call. To be set before packs are imported; `registry` lives as long as the process.
void use_native_nodes(const Registry& registry);

}  // namespace py
}  // namespace darkroom
