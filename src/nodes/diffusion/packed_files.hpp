#pragma once
// Files whose network is made of their weights alone: open once for all prompts, packed within the budget of models.

#include <filesystem>
#include <memory>
#include <string>

#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/packed.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// T(weights, compute) of a file, from the worker's open ones of this `kind` if it is there. It is packed when it is opened, so that what
/// is wrong with the file is said then; throws InvalidInput that begins with its name.
template <class T>
std::shared_ptr<const Packed<T>> open_packed(const std::filesystem::path& path, const std::string& kind, Context& context) {
  const auto compute = compute_of(context);
  const auto open = [&](const std::filesystem::path& file) {
    return opened(file, [&] {
      const Weights weights(std::make_shared<const StateDict>(load_checkpoint(file)));
      const auto expected = weights.elements() * c10::elementSize(compute.dtype);
      auto packed = std::make_shared<const Packed<T>>(compute.budget, expected,
                                                      [weights, compute] { return std::make_shared<const T>(weights, compute); });
      packed->acquire();
      return packed;
    });
  };
  return model_files<Packed<T>>(context, kind)->get(path, compute, open);
}

}  // namespace darkroom
