#pragma once
// From the graph that somebody sent to one that can run: what every route that takes jobs does first.

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

namespace asio = boost::asio;

struct Services;

/// Validation and the prompt that it leaves, constants converted.
struct CheckedPrompt {
  Validation validation;
  json::object prompt;
};

/// Checks a prompt in API form against the node classes and the files of `user`. `targets`: the output nodes that are wanted; none: all.
asio::awaitable<CheckedPrompt> check_prompt(Services& services, std::string user, json::object prompt,
                                            std::optional<std::vector<std::string>> targets);

}  // namespace darkroom
