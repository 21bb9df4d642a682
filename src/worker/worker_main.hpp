#pragma once
// The body of a worker program. The node classes are given by the program: this library knows none.

#include <functional>

namespace darkroom {

class Folders;
class PackLink;
class Registry;

/// `PROGRAM --fd N [--door M]`: serves the gateway on the inherited socket N until it closes or says stop. Returns the exit status.
/// `load_packs`: adds the classes of packs, when the folders are known.
int worker_main(int argc, char** argv, const std::function<void(Registry&)>& add_nodes,
                std::function<void(Registry&, const Folders&, PackLink&)> load_packs = {});

}  // namespace darkroom
