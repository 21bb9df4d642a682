#pragma once
// Clears away what nobody needs any more: files that a killed run had not finished, old files of the temp folder, rooms of visitors.

#include <boost/asio/awaitable.hpp>

namespace darkroom {

namespace asio = boost::asio;

class BlockingPool;
class Broker;
class Folders;

/// Sweeps at once and then every hour, until it is destroyed with its executor. What goes wrong is a line in the log. `visitor_days`: how
/// long a visitor's files are kept after their last change; 0 keeps them.
asio::awaitable<void> keep_house(BlockingPool& pool, const Folders& folders, Broker& broker, double visitor_days);

}  // namespace darkroom
