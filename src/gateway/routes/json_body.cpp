#include "gateway/routes/json_body.hpp"

#include <algorithm>

#include "gateway/pool.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {
constexpr std::size_t kParseHereBytes = 64u << 10;  ///< longer ones would hold up everybody else
}  // namespace

asio::awaitable<json::value> parse_body(Services& services, const std::string& body) {
  JsonLimits limits;
  limits.max_bytes = std::max(limits.max_bytes, body.size());  // the server has judged its length already
  if (body.size() <= kParseHereBytes) co_return parse_json(body, limits);
  auto parse = [&body, limits] { return parse_json(body, limits); };
  co_return co_await services.pool.run(std::move(parse));
}

}  // namespace darkroom
