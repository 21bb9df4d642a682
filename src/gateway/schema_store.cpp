#include "gateway/schema_store.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "gateway/middleware.hpp"

namespace darkroom {

namespace asio = boost::asio;

SchemaStore::SchemaStore(const Folders& folders) : lists_(folders) {}

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

SchemaStore::Info SchemaStore::info() {
  const auto schemas = current();
  if (!schemas) throw Unavailable("no worker has told its node classes yet");
  const std::scoped_lock lock(info_mutex_);
  // The lists that the classes use are known after the first round; from then on nothing is made again unless one changed.
  const std::uint64_t generation = lists_.generation();
  if (cached_.text && cached_for_ == schemas && cached_generation_ == generation) return cached_;
  std::string text = "{";
  for (const auto& schema : schemas->all()) {
    if (text.size() > 1) text += ',';
    dump_to(text, json::value(schema.node_class()));
    text += ':';
    dump_to(text, schema.info(lists_));
  }
  text += '}';
  cached_.etag = "\"" + sha256_hex(text).substr(0, 32) + "\"";
  cached_.gzip = std::make_shared<const std::string>(gzip(text));
  cached_.text = std::make_shared<const std::string>(std::move(text));
  cached_for_ = schemas;
  cached_generation_ = lists_.generation();
  return cached_;
}

json::object SchemaStore::info_of(const std::string& node_class) {
  const auto schemas = current();
  if (!schemas) throw Unavailable("no worker has told its node classes yet");
  const NodeSchema* schema = schemas->find(node_class);
  if (!schema) return {};
  return {{node_class, schema->info(lists_)}};
}

}  // namespace darkroom
