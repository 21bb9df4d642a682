// darkroom-test-worker: the worker with the classes of the recorded exchanges, and with some that misbehave. Never installed.
#include "nodes/all_nodes.hpp"
#include "rt_pack.hpp"
#include "worker/worker_main.hpp"

int main(int argc, char** argv) {
  return darkroom::worker_main(argc, argv, [](darkroom::Registry& registry) {
    darkroom::register_all_nodes(registry);
    darkroom::register_rt_values(registry);
    darkroom::register_rt_outputs(registry);
    darkroom::register_rt_validation(registry);
    darkroom::register_rt_running(registry);
    darkroom::register_rt_growing(registry);
    darkroom::register_rt_v3(registry);
    darkroom::register_misbehaving_nodes(registry);
  });
}
