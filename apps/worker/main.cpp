#include "nodes/all_nodes.hpp"
#include "python/host.hpp"
#include "worker/node.hpp"
#include "worker/worker_main.hpp"

int main(int argc, char** argv) { return darkroom::worker_main(argc, argv, darkroom::register_all_nodes, darkroom::load_python_packs); }
