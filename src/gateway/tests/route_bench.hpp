#pragma once
// Routes without a server: a router with some of them on scratch folders, and requests that go straight to the handler.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <string>
#include <string_view>

#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/log_buffer.hpp"
#include "gateway/options.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "gateway/user_store.hpp"
#include "storage/folders.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {

/// A body that comes in pieces of `piece` bytes.
class TextBody final : public BodyReader {
 public:
  TextBody(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  asio::awaitable<std::string_view> read() override {
    const std::string_view next = std::string_view(text_).substr(at_, piece_);
    at_ += next.size();
    co_return next;
  }

 private:
  std::string text_;
  std::size_t piece_, at_ = 0;
};

class RouteBench {
 public:
  explicit RouteBench(Options given = {}) : options(std::move(given)), folders(Folders::below(scratch.path())) {
    folders.create_missing();
    services.pictures = std::make_shared<PictureHelper>(PictureHelper::beside_this_program());
  }

  /// What the handler of this path answers; 405 or 404 of the router as plain statuses.
  Response ask(std::string method, std::string_view target, std::string body = "", std::vector<std::pair<std::string, std::string>> headers = {},
               std::size_t piece = 1000) {
    Request request;
    request.method = std::move(method);
    request.headers = std::move(headers);
    set_target(request, target);
    const auto match = router.match(request.method, std::string_view(request.target).substr(0, request.target.find('?')));
    if (!match.handler) return Response::empty(match.allowed.empty() ? 404 : 405);
    request.params = match.params;
    request.who = who;
    TextBody stream(body, piece);
    if (match.options.streams_body) request.stream = &stream;
    else request.body = std::move(body);
    asio::io_context io;
    auto reply = asio::co_spawn(io, (*match.handler)(request), asio::use_future);
    io.run();
    return reply.get();
  }
  Response get(std::string_view target) { return ask("GET", target); }

  static std::string text_of(const Response& response) {
    if (response.file) return ScratchFolder::read(response.file->path);
    return response.shared_body ? *response.shared_body : response.body;
  }
  static json::value json_of(const Response& response) { return parse_json(text_of(response)); }
  static std::string header_of(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }

  ScratchFolder scratch;
  Options options;
  Folders folders;
  BlockingPool pool{2};
  Hub hub;
  SchemaStore schemas{folders};
  LogBuffer logs;
  Router router;
  Identity who;

 private:
  // Routes of files never touch these two.
  alignas(16) char no_jobs_[64] = {}, no_workers_[64] = {};

 public:
  Services services{options, folders, pool, hub, schemas, reinterpret_cast<JobDesk&>(no_jobs_), reinterpret_cast<WorkerPool&>(no_workers_), logs};
};

}  // namespace darkroom
