#include "gateway/schema_store.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "gateway/middleware.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

namespace asio = boost::asio;

namespace {
/// Limit: users whose /object_info is kept ready. Beyond: that of the one who asked longest ago is made again. Fixed: each takes some
/// megabytes. Edge: SchemaStore.KeepsTheInfoOfALimitedNumberOfUsers.
constexpr std::size_t kMaxCached = 16;
}  // namespace

SchemaStore::SchemaStore(const Folders& folders) : folders_(folders), lists_(folders) {}

std::shared_ptr<const SchemaSet> SchemaStore::current() const {
  const std::scoped_lock lock(mutex_);
  return schemas_;
}

asio::awaitable<std::shared_ptr<const SchemaSet>> SchemaStore::wait(std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    if (auto schemas = current()) co_return schemas;
    if (std::chrono::steady_clock::now() >= end) throw Unavailable("no worker has told its node classes yet");
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void SchemaStore::replace(std::shared_ptr<const SchemaSet> schemas) {
  has_packs_ = std::ranges::any_of(schemas->all(), is_of_pack);
  {
    const std::scoped_lock lock(mutex_);
    schemas_ = std::move(schemas);
  }
  for (const auto& listener : listeners_) listener();
}

std::shared_ptr<ChoiceLists> SchemaStore::lists_of(std::string_view user) {
  if (room_of(user) == kLocalUser) return {std::shared_ptr<void>(), &lists_};
  return std::make_shared<UserLists>(lists_, folders_.of_user(user));
}

/// What is kept of a room; the one that nobody has asked for longest makes place for a new one.
SchemaStore::Cached& SchemaStore::cached_of(const std::string& room) {
  if (!cached_.contains(room) && cached_.size() >= kMaxCached)
    cached_.erase(std::ranges::min_element(cached_, {}, [](const auto& entry) { return entry.second.used; }));
  Cached& cached = cached_[room];
  cached.used = ++uses_;
  return cached;
}

SchemaStore::Info SchemaStore::info(std::string_view user) {
  const auto schemas = current();
  if (!schemas) throw Unavailable("no worker has told its node classes yet");
  const std::string room(room_of(user));
  const bool own = room != kLocalUser;
  UserLists user_lists(lists_, folders_.of_user(user));
  ChoiceLists& lists = own ? static_cast<ChoiceLists&>(user_lists) : lists_;
  const auto state = [&] { return own ? user_lists.state() : std::to_string(lists_.generation()); };
  const std::scoped_lock lock(info_mutex_);
  Cached& cached = cached_of(room);
  // The lists that the classes use are known after the first round; from then on nothing is made again unless one changed.
  if (cached.info.text && cached.schemas == schemas && cached.state == state()) return cached.info;
  std::string text = "{";
  for (const auto& schema : schemas->all()) {
    if (text.size() > 1) text += ',';
    dump_to(text, json::value(schema.node_class()));
    text += ':';
    dump_to(text, schema.info(lists));
  }
  text += '}';
  cached.info.etag = "\"" + sha256_hex(text).substr(0, 32) + "\"";
  cached.info.gzip = std::make_shared<const std::string>(gzip(text));
  cached.info.text = std::make_shared<const std::string>(std::move(text));
  cached.schemas = schemas;
  cached.state = state();
  return cached.info;
}

json::object SchemaStore::info_of(std::string_view user, const std::string& node_class) {
  const auto schemas = current();
  if (!schemas) throw Unavailable("no worker has told its node classes yet");
  const NodeSchema* schema = schemas->find(node_class);
  if (!schema) return {};
  return {{node_class, schema->info(*lists_of(user))}};
}

}  // namespace darkroom
