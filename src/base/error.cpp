#include "base/error.hpp"

namespace darkroom {

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput: return 400;
    case ErrorKind::kNotFound: return 404;
    case ErrorKind::kForbidden: return 403;
    case ErrorKind::kConflict: return 409;
    case ErrorKind::kTooLarge: return 413;
    case ErrorKind::kUnavailable: return 503;
    case ErrorKind::kTimeout: return 504;
    case ErrorKind::kOutOfMemory:
    case ErrorKind::kInternal: return 500;
  }
  return 500;
}

const char* python_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kTooLarge: return "ValueError";
    case ErrorKind::kNotFound: return "FileNotFoundError";
    case ErrorKind::kForbidden: return "PermissionError";
    case ErrorKind::kConflict: return "FileExistsError";
    case ErrorKind::kTimeout: return "TimeoutError";
    case ErrorKind::kOutOfMemory: return "MemoryError";
    case ErrorKind::kUnavailable:
    case ErrorKind::kInternal: return "RuntimeError";
  }
  return "RuntimeError";
}

}  // namespace darkroom
