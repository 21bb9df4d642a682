#pragma once
// The routes that packs of nodes declare in Python: which paths they may have, and which worker answers. Lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/http.hpp"
#include "gateway/pack_times.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {

class PackRoutes final : public OtherRoutes {
 public:
  /// The workers that are ready, as WorkerPool::workers() gives them.
  using Workers = std::function<std::vector<WorkerHandle*>()>;
  /// `packs`: there are packs, so that before the first worker is ready any path may be one of theirs.
  PackRoutes(asio::any_io_executor io, Workers workers, bool packs, PackTimes times = {});

  Guess guess(std::string_view raw_path) override;
  asio::awaitable<std::optional<Response>> answer(Request& request, std::vector<std::string>& allowed) override;

 private:
  WorkerHandle* first_ready() const;
  void learn(const WorkerHandle& worker);
  struct Connection {
    int fd = -1;            ///< the gateway's end
    int worker = 0;         ///< the id of the one that has got the other
    bool has_route = true;  ///< false: the worker that is ready now has none for the path
  };
  asio::awaitable<Connection> connect(std::string_view raw_path);

  const asio::any_io_executor io_;
  const Workers workers_;
  const bool packs_;
  const PackTimes times_;
  int learnt_from_ = 0;  ///< a worker's id; 0 before the first
  std::set<std::string, std::less<>> exact_;
  std::vector<std::string> prefixes_;
  std::shared_ptr<int> under_way_ = std::make_shared<int>(0);  ///< use_count() - 1 are
};

}  // namespace darkroom
