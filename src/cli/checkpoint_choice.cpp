#include "cli/checkpoint_choice.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/error.hpp"
#include "cli/exit_status.hpp"
#include "cli/server_of_run.hpp"
#include "gateway/options.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ask_server(const RunOptions& options) {
  asio::io_context io(1);
  ServerClient client = client_of(io.get_executor(), options);
  ServerClient::Reply reply;
  std::exception_ptr failure;
  const auto ask = [&]() -> asio::awaitable<void> { reply = co_await client.get("/models/checkpoints"); };
  asio::co_spawn(io, ask, [&](std::exception_ptr fault) { failure = fault; });
  io.run();
  if (failure) std::rethrow_exception(failure);
  const json::value list = reply.status == 200 ? reply.as_json() : json::value();
  const auto* names = list.if_array();
  if (!names) throw Unavailable(fmt::format("the server answered /models/checkpoints with {}", reply.status));
  std::vector<std::string> found;
  for (const auto& name : *names)
    if (name.is_string()) found.emplace_back(name.get_string());
  return found;
}

}  // namespace

std::vector<std::string> checkpoints_of(const RunOptions& options) {
  try {
    if (!options.server.empty()) return ask_server(options);
    const fs::path base = options.base_directory.empty() ? default_base_directory() : options.base_directory;
    Folders folders = Folders::below(base, shipped_model_folders());
    for (const auto& file : options.extra_model_paths) folders.add_extra_paths(file);
    return folders.list_models("checkpoints");
  } catch (const Unavailable& lost) {
    throw RunFailure(RunStatus::kUnreachable, lost.what());
  } catch (const Forbidden& refused) {
    throw RunFailure(RunStatus::kUsage, refused.what());
  } catch (const InvalidInput& wrong) {
    throw RunFailure(RunStatus::kUsage, wrong.what());
  }
}

std::string first_checkpoint(const std::vector<std::string>& names, std::string& note) {
  if (names.empty()) throw RunFailure(RunStatus::kWorkflow, "there is no checkpoint in models/checkpoints: darkroom models list shows some that can be fetched");
  note = names.size() == 1 ? "model " + names.front() : fmt::format("model {}, the first of {}; --model takes another", names.front(), names.size());
  return names.front();
}

}  // namespace darkroom
