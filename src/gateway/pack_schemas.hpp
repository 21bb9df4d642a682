#pragma once
// Node classes of packs may change what they take while the server runs (a list of files in INPUT_TYPES): they are asked anew.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

struct Services;

/// A class of a pack did not say in time what it takes.
struct SlowClass {
  std::string node_class;
};

/// The node classes, those of packs that this prompt uses as they are at this moment. Throws SlowClass after WorkerTimes::ask, Unavailable
/// while there are no classes at all. While no worker is ready they are those that were told last.
boost::asio::awaitable<std::shared_ptr<const SchemaSet>> schemas_for(Services& services, const json::object& prompt);

/// Asks all classes of packs anew, or this one; those that can't say stay as they were, and all of them when one does not answer in time: it is
/// passed over the next time.
boost::asio::awaitable<void> refresh_schemas(Services& services, std::optional<std::string> only = std::nullopt);

}  // namespace darkroom
