#pragma once
// POST /prompt for parts of this server: a job of theirs is judged, limited and queued like any other.

#include <boost/asio/awaitable.hpp>

#include "gateway/http.hpp"

namespace darkroom {

/// The reply of POST /prompt to `body` ("prompt", "prompt_id", …), as if `who` had sent it. Messages of the job go out at once.
asio::awaitable<Response> post_own_prompt(const Router& router, Identity who, json::object body);

}  // namespace darkroom
