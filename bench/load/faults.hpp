#pragma once
// What went wrong, counted by kind; the first of them are told on standard error.

#include <cstddef>
#include <string>

#include "base/json.hpp"

namespace darkroom::load {

class Faults {
 public:
  enum Kind { kLost, kOutOfOrder, kUnexpected, kUntrueStatus, kStaleStatus, kWrongResult, kFailedRequest, kUnanswered, kKinds };

  void add(Kind kind, const std::string& what, std::size_t count = 1);
  json::object counts() const;

 private:
  std::size_t counts_[kKinds] = {};
  std::size_t told_ = 0;
};

}  // namespace darkroom::load
