#pragma once
// What all loaders of models share: which file a name means, how its network computes, and the files that are open.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "tensor/compute.hpp"
#include "tensor/model_files.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// The file of a listed model. Throws NotFound in the words that clients know.
std::filesystem::path model_file(const Context& context, const std::string& folder, const std::string& name);

/// How this worker's networks compute, and whose memory they count in.
Compute compute_of(Context& context);
/// The same for autoencoders and upscalers.
Compute convolution_compute_of(Context& context);

/// Bytes that networks may still take for what they compute: of the GPU where they are on one, else of the machine.
std::function<std::size_t()> memory_left(Context& context);

/// The error with the file's name before it.
InvalidInput naming(const std::filesystem::path& file, const InvalidInput& error);

/// What `open()` gives; what it finds wrong is told with the file's name.
template <class Open>
auto opened(const std::filesystem::path& file, const Open& open) {
  try {
    return open();
  } catch (const InvalidInput& error) {
    throw naming(file, error);
  }
}

/// The worker's open files of one kind; `kind` is its name among the shared objects.
template <class T>
std::shared_ptr<ModelFiles<T>> model_files(Context& context, const std::string& kind) {
  return std::static_pointer_cast<ModelFiles<T>>(context.shared(kind, [] { return std::make_shared<ModelFiles<T>>(); }));
}

}  // namespace darkroom
