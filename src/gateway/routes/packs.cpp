// GET /darkroom/packs: what became of each pack of nodes, for people who wonder where its nodes are. Not of ComfyUI.

#include "gateway/http.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

/// Before a worker is ready: the names alone.
json::array still_loading(const Folders& folders) {
  json::array packs;
  for (const auto& path : folders.packs())
    packs.push_back(json::object{{"name", path.filename().string()},
                                 {"state", "loading"},
                                 {"seconds", nullptr},
                                 {"classes", nullptr},
                                 {"reason", nullptr},
                                 {"traceback", nullptr}});
  return packs;
}

}  // namespace

void add_packs_routes(Router& router, Services& services) {
  router.add("GET", "/darkroom/packs", [&services](Request& request) -> asio::awaitable<Response> {
    const auto ready = services.workers.workers();
    if (ready.empty()) co_return Response::of_json(json::object{{"packs", still_loading(services.folders)}});
    const auto* told = find_array(ready.front()->hello(), "packs");
    json::array packs = told ? *told : json::array();
    for (auto& pack : services.workers.deadly_packs()) packs.push_back(std::move(pack));
    if (!request.who.admin)
      for (auto& pack : packs) pack.as_object()["traceback"] = nullptr;  // it has paths of the server
    co_return Response::of_json(json::object{{"packs", std::move(packs)}});
  });
}

}  // namespace darkroom
