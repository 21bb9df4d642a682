#include "gateway/own_prompt.hpp"

namespace darkroom {

asio::awaitable<Response> post_own_prompt(const Router& router, Identity who, json::object body) {
  Request request;
  request.method = "POST";
  request.target = request.path = "/prompt";
  request.who = std::move(who);
  request.body = dump(json::value(std::move(body)));
  const auto match = router.match(request.method, request.path);
  Response reply = co_await (*match.handler)(request);
  if (reply.after_write) reply.after_write(true);
  co_return reply;
}

}  // namespace darkroom
