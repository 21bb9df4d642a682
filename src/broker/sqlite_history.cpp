// What SqliteBroker tells of finished jobs and of all jobs, and the schemas that it keeps.

#include "broker/job_listing.hpp"
#include "broker/schemas_table.hpp"
#include "broker/sqlite_state.hpp"

namespace darkroom {

asio::awaitable<std::vector<HistoryEntry>> SqliteBroker::history(std::string owner, std::optional<std::int64_t> max_items,
                                                                 std::int64_t offset) {
  auto query = [=](Database& reading) { return read_history(reading, owner, max_items, offset); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<std::optional<HistoryEntry>> SqliteBroker::history_of(std::string owner, std::string id) {
  if (const auto entry = state_->recent.find(owner, id)) co_return *entry;
  auto query = [=](Database& reading) { return read_history_of(reading, owner, id); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<void> SqliteBroker::delete_history(std::string owner, std::vector<std::string> ids) {
  State& state = *state_;
  std::function<void(Database&)> remove = [&state, owner, ids](Database& writing) {
    std::int64_t gone = 0;
    for (const std::string& id : ids) gone += delete_from_history(writing, owner, id);
    state.shrink_history(owner, gone);
  };
  co_await state.write(std::move(remove));
  for (const std::string& id : ids) state.recent.forget(owner, id);
}

asio::awaitable<void> SqliteBroker::clear_history(std::string owner) {
  State& state = *state_;
  std::function<void(Database&)> clear = [&state, owner](Database& writing) {
    state.shrink_history(owner, darkroom::clear_history(writing, owner));
  };
  co_await state.write(std::move(clear));
  state.recent.forget(owner);
}

asio::awaitable<NamedFiles> SqliteBroker::named_files(std::string type) {
  auto query = [type](Database& reading) { return read_named_files(reading, type); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<JobsPage> SqliteBroker::jobs(std::string owner, JobsFilter filter) {
  State& state = *state_;
  std::vector<QueuedForListing> queued;
  for (const auto* entry : state.mirror.running_entries(owner)) add_queued(queued, *entry->view, "in_progress", filter);
  for (const auto* entry : state.mirror.pending_entries(owner)) add_queued(queued, *entry->view, "pending", filter);
  auto query = [&filter, owner, queued = std::move(queued)](Database& reading) mutable {
    return list_page(reading, owner, filter, std::move(queued));
  };
  co_return co_await state.readers.run(std::move(query));
}

asio::awaitable<void> SqliteBroker::keep_schemas(std::string key, std::string schemas) {
  std::function<void(Database&)> keep = [key, schemas](Database& writing) { save_schemas(writing, key, schemas); };
  co_await state_->write(std::move(keep));
}

asio::awaitable<std::optional<std::string>> SqliteBroker::kept_schemas(std::string key) {
  auto query = [key](Database& reading) { return load_schemas(reading, key); };
  co_return co_await state_->readers.run(std::move(query));
}

}  // namespace darkroom
