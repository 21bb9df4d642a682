#pragma once
// Errors of the whole program: one class, told apart by kind. They become a protocol reply at one place in the gateway
// and an execution_error at one place in the executor.

#include <stdexcept>
#include <string>
#include <utility>

namespace darkroom {

enum class ErrorKind {
  kInvalidInput,  ///< what came in is wrong: 400, ValueError
  kNotFound,      ///< 404, FileNotFoundError
  kForbidden,     ///< 403, PermissionError
  kConflict,      ///< 409, FileExistsError
  kTooLarge,      ///< a limit was passed: 413, ValueError
  kUnavailable,   ///< not now: 503, RuntimeError
  kTimeout,       ///< 504, TimeoutError
  kOutOfMemory,   ///< 500, MemoryError
  kInternal,      ///< our fault: 500, RuntimeError
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// The HTTP status that a kind becomes.
int http_status(ErrorKind kind);

/// The name that stands in `exception_type` on the wire: clients know Python's.
const char* python_name(ErrorKind kind);

template <ErrorKind Kind>
struct ErrorOf : Error {
  explicit ErrorOf(const std::string& text) : Error(Kind, text) {}
};

using InvalidInput = ErrorOf<ErrorKind::kInvalidInput>;
using NotFound = ErrorOf<ErrorKind::kNotFound>;
using Forbidden = ErrorOf<ErrorKind::kForbidden>;
using Conflict = ErrorOf<ErrorKind::kConflict>;
using TooLarge = ErrorOf<ErrorKind::kTooLarge>;
using Unavailable = ErrorOf<ErrorKind::kUnavailable>;
using OutOfMemory = ErrorOf<ErrorKind::kOutOfMemory>;
using InternalError = ErrorOf<ErrorKind::kInternal>;

}  // namespace darkroom
