#pragma once
// The body of an upload, from the socket into a form.

#include <boost/asio/awaitable.hpp>

#include "gateway/multipart.hpp"

namespace darkroom {

namespace asio = boost::asio;

struct Request;
struct Services;

/// Reads the body (of a route that streams) to its end, each piece on the pool, and counts it against the sender's share.
/// Throws InvalidInput for what is no form, TooLarge past a limit, Exhausted.
asio::awaitable<void> receive_form(Request& request, Services& services, FormSink& form);

}  // namespace darkroom
