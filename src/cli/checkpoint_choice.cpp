#include "cli/checkpoint_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "cli/exit_status.hpp"
#include "cli/server_of_run.hpp"
#include "gateway/options.hpp"
#include "storage/folders.hpp"
#include "storage/safetensors_head.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

Transport::Reply ask_server(const RunOptions& options, const std::string& target) {
  asio::io_context io(1);
  Transport client = transport_of(io.get_executor(), options);
  Transport::Reply reply;
  std::exception_ptr failure;
  const auto ask = [&]() -> asio::awaitable<void> { reply = co_await client.get(target); };
  asio::co_spawn(io, ask, [&](std::exception_ptr fault) { failure = fault; });
  io.run();
  if (failure) std::rethrow_exception(failure);
  return reply;
}

std::vector<std::string> list_of_server(const RunOptions& options) {
  const auto reply = ask_server(options, "/models/checkpoints");
  const json::value list = reply.status == 200 ? reply.as_json() : json::value();
  const auto* names = list.if_array();
  if (!names) throw Unavailable(fmt::format("the server answered /models/checkpoints with {}", reply.status));
  std::vector<std::string> found;
  for (const auto& name : *names)
    if (name.is_string()) found.emplace_back(name.get_string());
  return found;
}

Folders folders_of(const RunOptions& options) {
  const fs::path base = options.base_directory.empty() ? default_base_directory() : options.base_directory;
  Folders folders = Folders::below(base, shipped_model_folders());
  for (const auto& file : options.extra_model_paths) folders.add_extra_paths(file);
  return folders;
}

/// What the head of the checkpoint's file says; empty where it says nothing.
json::object head_of(const RunOptions& options, const std::string& checkpoint) {
  if (options.server.empty()) {
    const auto file = folders_of(options).find_model("checkpoints", checkpoint);
    return file ? safetensors_metadata(*file).value_or(json::object()) : json::object();
  }
  const auto reply = ask_server(options, "/view_metadata/checkpoints?filename=" + percent_encode(checkpoint));
  const json::value head = reply.status == 200 ? reply.as_json() : json::value();
  return head.is_object() ? head.get_object() : json::object();
}

template <class Ask>
auto asked(const Ask& ask) {
  try {
    return ask();
  } catch (const Unavailable& lost) {
    throw RunFailure(RunStatus::kUnreachable, lost.what());
  } catch (const Forbidden& refused) {
    throw RunFailure(RunStatus::kUsage, refused.what());
  } catch (const InvalidInput& wrong) {
    throw RunFailure(RunStatus::kUsage, wrong.what());
  }
}

}  // namespace

std::vector<std::string> checkpoints_of(const RunOptions& options) {
  return asked([&] { return options.server.empty() ? folders_of(options).list_models("checkpoints") : list_of_server(options); });
}

std::string first_checkpoint(const std::vector<std::string>& names, std::string& note) {
  if (names.empty()) throw RunFailure(RunStatus::kWorkflow, "there is no checkpoint in models/checkpoints: darkroom models list shows some that can be fetched");
  const auto preferred = std::ranges::find_if_not(names, is_demonstration);  // a server may list them in another order than ours
  const auto& name = preferred == names.end() ? names.front() : *preferred;
  note = "model " + name;
  if (is_demonstration(name)) note += ", a demonstration of emoji: darkroom models list shows real ones";
  else if (const auto real = std::ranges::count_if(names, std::not_fn(is_demonstration)); real > 1)
    note += fmt::format(", the first of {}; --model takes another", real);
  return name;
}

std::pair<std::int64_t, std::int64_t> native_size(const RunOptions& options, const std::string& checkpoint) {
  return resolution_of(asked([&] { return head_of(options, checkpoint); })).value_or(kUsualResolution);
}

}  // namespace darkroom
