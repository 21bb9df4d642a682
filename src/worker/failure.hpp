#pragma once
// An exception as clients see it (protocol.md §6.7). The one place of the worker that knows classes of exceptions.

#include <exception>
#include <string>
#include <vector>

namespace darkroom {

struct Failure {
  std::string message;  ///< with its newline and tips, as `exception_message` has them
  std::string type;     ///< Python's name: ValueError, torch.OutOfMemoryError
  bool out_of_memory = false;
  std::vector<std::string> traceback = {};  ///< of an exception of Python
};

Failure describe_failure(const std::exception_ptr& exception);

}  // namespace darkroom
