#pragma once
// The denoisers that a worker keeps open between jobs.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "restore/ffdnet.hpp"
#include "tensor/packed.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// A network out of a file, packed when it is first used; after it has been given up it is read again.
class DenoiseModel {
 public:
  DenoiseModel(std::filesystem::path file, DenoiserWeights weights, const Compute& compute);
  std::shared_ptr<const FfdNet> network() const { return network_.acquire(); }

 private:
  std::filesystem::path file_;
  std::optional<DenoiserWeights> weights_;  ///< until it is packed for the first time
  Packed<FfdNet> network_;
};

/// The network of a file of models/denoise, from the worker's open ones if it is there. Throws what model_file and read_denoiser throw.
std::shared_ptr<const DenoiseModel> load_denoise_model(Context& context, const std::string& name);

}  // namespace darkroom
