// /system_stats and /features (protocol.md §3.9): what clients look at first, to see whether this is a server they know.

#include <filesystem>
#include <string>

#include "gateway/editor_package.hpp"
#include "gateway/features.hpp"
#include "gateway/http.hpp"
#include "gateway/machine.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {
namespace {

constexpr const char* kWireVersion = "0.8.0";  ///< whose protocol is spoken (DESIGN §9)

/// Version of the installed editor package, out of the name of its dist-info folder; "" for a folder of the host's own.
std::string editor_version(const Options& options) {
  namespace fs = std::filesystem;
  const auto folder = editor_folder(options.front_end_root);
  if (!folder) return "";
  constexpr std::string_view kStart = "comfyui_frontend_package-", kEnd = ".dist-info";
  std::error_code fault;
  for (fs::directory_iterator entry(folder->parent_path().parent_path(), fault), end; !fault && entry != end; entry.increment(fault)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kStart) && name.ends_with(kEnd)) return name.substr(kStart.size(), name.size() - kStart.size() - kEnd.size());
  }
  return "";
}

/// The device of the first worker; the processor before one is up.
json::object device_of(const WorkerHandle* worker, const Memory& memory) {
  const json::object none;
  const json::object& told = worker ? worker->device() : none;
  const auto amount = [&](const char* key, std::uint64_t fallback) -> json::value {
    const auto* value = find(told, key);
    return value && value->is_number() ? *value : json::value(fallback);
  };
  const auto* index = find(told, "index");
  return {{"name", string_or(told, "name", "cpu")},
          {"type", string_or(told, "type", "cpu")},
          {"index", index ? *index : json::value()},
          {"vram_total", amount("vram_total", memory.total)},
          {"vram_free", amount("vram_free", memory.available)},
          {"torch_vram_total", amount("torch_vram_total", memory.total)},
          {"torch_vram_free", amount("torch_vram_free", memory.available)}};
}

json::object system_stats(const Options& options, const WorkerPool& workers, const std::string& editor, bool to_stranger) {
  const Memory memory = machine_memory();
  const auto ready = workers.workers();
  const WorkerHandle* worker = ready.empty() ? nullptr : ready.front();
  json::object system{{"os", "linux"},
                      {"ram_total", memory.total},
                      {"ram_free", memory.available},
                      {"comfyui_version", kWireVersion},
                      {"required_frontend_version", editor},
                      {"installed_templates_version", nullptr},
                      {"required_templates_version", nullptr},
                      {"python_version", worker ? string_or(worker->hello(), "python_version", "") : ""},
                      {"pytorch_version", worker ? string_or(worker->hello(), "pytorch_version", "") : ""},
                      {"embedded_python", false},
                      {"argv", to_stranger ? json::array() : json::array(options.argv.begin(), options.argv.end())}};
  return {{"system", std::move(system)}, {"devices", json::array{device_of(worker, memory)}}};
}

}  // namespace

void add_system_routes(Router& router, Services& services) {
  const auto editor = std::make_shared<std::optional<std::string>>();
  router.add("GET", "/system_stats", [&services, editor](Request& request) -> asio::awaitable<Response> {
    if (!*editor) *editor = co_await services.pool.run([&services] { return editor_version(services.options); });
    co_return Response::of_json(system_stats(services.options, services.workers, **editor, !request.who.admin));
  });
  router.add("GET", "/features", [&services](Request&) -> asio::awaitable<Response> { co_return Response::of_json(features(services.options)); });
}

}  // namespace darkroom
