#pragma once
// From the data of an `execution_error` to what is told of it: a code for programs, words for people.

#include <string>

#include "base/json.hpp"
#include "restoration/message.hpp"

namespace darkroom::restoration {

struct FailureWords {
  std::string code, say;
  json::object with;
};

/// `error`: data of `execution_error`; `stage`: where the job was.
FailureWords failure_of(const json::object& error, Stage stage);

}  // namespace darkroom::restoration
