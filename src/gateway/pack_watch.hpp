#pragma once
// --dev: packs are loaded anew when their code changes.

#include <boost/asio/awaitable.hpp>

namespace darkroom {

namespace asio = boost::asio;

class BlockingPool;
class Folders;
class WorkerPool;

/// Looks at the packs' Python files every half second. When they have changed, and stayed as they are for one more look, the workers are
/// replaced (WorkerPool::reload). Until it is destroyed with its executor.
asio::awaitable<void> watch_packs(BlockingPool& pool, const Folders& folders, WorkerPool& workers);

}  // namespace darkroom
