#include "gateway/receive_form.hpp"

#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"

namespace darkroom {

asio::awaitable<void> receive_form(Request& request, Services& services, FormSink& form) {
  const std::string boundary = boundary_of(request.header("content-type"));
  Allowances& allowances = allowances_of(services);
  allowances.begin_upload(request.who, content_length(request), steady_ms());
  MultipartParser parser(boundary, form);
  for (;;) {
    const std::string_view piece = co_await request.stream->read();
    if (piece.empty()) break;
    allowances.received(request.who, piece.size(), steady_ms());
    co_await services.pool.run([&parser, piece] { parser.push(piece); });
  }
  parser.finish();
}

}  // namespace darkroom
