#include "worker/failure.hpp"

#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "tensor/out_of_memory.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

constexpr const char* kMemoryTips =
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the "
    "batch_size to a large number.";

Failure out_of_memory(const std::string& text) { return {text + "\n" + kMemoryTips, "torch.OutOfMemoryError", true}; }

}  // namespace

Failure describe_failure(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const TracedError& error) {
    auto failure = error.name() == "torch.OutOfMemoryError" ? out_of_memory(error.what()) : Failure{std::string(error.what()) + "\n", error.name()};
    failure.traceback = error.traceback();
    return failure;
  } catch (const NamedError& error) {
    return {std::string(error.what()) + "\n", error.name()};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kOutOfMemory) return out_of_memory(error.what());
    return {std::string(error.what()) + "\n", python_name(error.kind())};
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) return out_of_memory(error.what_without_backtrace());
    return {std::string(error.what_without_backtrace()) + "\n", "RuntimeError"};
  } catch (const std::bad_alloc&) {
    return out_of_memory("out of memory");
  } catch (const std::exception& error) {
    return {std::string(error.what()) + "\n", "RuntimeError"};
  } catch (...) {
    return {"unknown exception\n", "RuntimeError"};
  }
}

}  // namespace darkroom
