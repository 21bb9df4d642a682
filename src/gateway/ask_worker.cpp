#include "gateway/ask_worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <future>
#include <memory>

#include "base/error.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {
namespace {

/// A little more than WorkerPool::ask() takes at most: at the end of the program nobody answers.
constexpr auto kValidatorTime = std::chrono::seconds(6);

}  // namespace

AskValidator ask_worker(WorkerPool& workers, asio::any_io_executor io) {
  return [&workers, io](const std::string& node_class, const json::object& inputs, const json::object& types) {
    auto answer = std::make_shared<std::promise<json::value>>();
    auto future = answer->get_future();
    json::object question{{"what", "validate"}, {"class", node_class}, {"inputs", inputs}, {"types", types}};
    asio::co_spawn(
        io, [&workers, question = std::move(question)]() mutable { return workers.ask(std::move(question)); },
        [answer](std::exception_ptr fault, json::value value) {
          if (fault) answer->set_exception(fault);
          else answer->set_value(std::move(value));
        });
    if (future.wait_for(kValidatorTime) != std::future_status::ready) throw Unavailable("no worker answered in time");
    return future.get();
  };
}

}  // namespace darkroom
