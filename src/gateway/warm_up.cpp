#include "gateway/warm_up.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/log.hpp"
#include "gateway/history_entry.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/options.hpp"
#include "gateway/own_prompt.hpp"
#include "gateway/pool.hpp"
#include "gateway/readiness.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"
#include "storage/folders.hpp"
#include "storage/user_room.hpp"
#include "workflow/import.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

const std::string kUser = std::string(kVisitorPrefix) + "warm-up";  ///< whose job it is: visitors' own ids are hexadecimal
constexpr auto kLookTime = std::chrono::milliseconds(100);
constexpr auto kFullTime = std::chrono::seconds(1);

json::object read_prompt(const fs::path& file, const SchemaSet& schemas) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw NotFound(file.string() + " can't be opened");
  return read_workflow_text(std::string{std::istreambuf_iterator<char>(in), {}}, schemas).prompt;
}

asio::awaitable<void> run(Router& router, Services& services) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (services.workers.workers().empty()) {
    timer.expires_after(kLookTime);
    co_await timer.async_wait(asio::use_awaitable);
  }
  auto schemas = services.schemas.current();
  if (!schemas) throw Unavailable("no worker told its node classes");
  const fs::path file = services.options.warm_up;
  auto read = [file, schemas] { return read_prompt(file, *schemas); };
  json::object prompt = co_await services.pool.run(std::move(read));

  const json::object body{{"prompt", std::move(prompt)}};
  json::value answer;
  for (;;) {
    Identity who;
    who.user = kUser;
    Response reply = co_await post_own_prompt(router, std::move(who), body);
    answer = parse_json(reply.shared_body ? *reply.shared_body : reply.body);
    if (reply.status == 200) break;
    if (reply.status != 429 && reply.status != 503) throw InvalidInput("refused: " + dump(answer));
    if (services.readiness->stopping) co_return;
    timer.expires_after(kFullTime);  // the queue is full of what waits since the last time
    co_await timer.async_wait(asio::use_awaitable);
  }
  const std::string id = string_or(answer.as_object(), "prompt_id", "");
  for (;;) {
    const auto history = co_await services.jobs.history_json_of(kUser, id);
    const json::value all = parse_json(*history);
    if (const auto* entry = find_object(all.as_object(), id)) {
      if (const JobEnd end = end_of(*entry); end.kind != JobEnd::Kind::kSuccess) throw InvalidInput(end.fault);
      co_return;
    }
    timer.expires_after(kLookTime);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace

asio::awaitable<void> warm_up(Router& router, Services& services) {
  const auto readiness = services.readiness;
  try {
    // What one that was stopped in the middle left waiting.
    co_await services.jobs.clear_pending(kUser);
    co_await services.jobs.clear_history(kUser);
    if (services.options.warm_up.empty()) co_return;
    co_await run(router, services);
    log::info("warmed up");
  } catch (const std::exception& error) {
    readiness->warm_up_failure = error.what();
    log::error("the warm-up workflow {}: {}", services.options.warm_up.string(), error.what());
  }
  readiness->warming_up = false;
  try {
    co_await services.jobs.clear_history(kUser);
    auto clean = [folders = services.folders.of_user(kUser)] {
      std::error_code ignored;
      for (const auto& folder : {folders.output, folders.temp}) fs::remove_all(folder, ignored);
    };
    co_await services.pool.run(std::move(clean));
  } catch (const std::exception& error) {
    log::warn("what the warm-up left can't be cleared away: {}", error.what());
  }
}

}  // namespace darkroom
