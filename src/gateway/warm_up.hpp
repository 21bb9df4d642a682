#pragma once
// The workflow that a server runs once before it says that it is ready: models loaded, kernels chosen, memory touched.

#include <boost/asio/awaitable.hpp>

namespace darkroom {

namespace asio = boost::asio;

class Router;
struct Services;

/// Runs the workflow of --warm-up as a user of its own, whose files, queue and history nobody sees, and leaves nothing of it. Returns at
/// once without one.
asio::awaitable<void> warm_up(Router& router, Services& services);

}  // namespace darkroom
