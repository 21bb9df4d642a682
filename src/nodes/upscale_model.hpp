#pragma once
// UPSCALE_MODEL as a value, and the model files that a worker keeps open between jobs.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "restore/upscaler.hpp"
#include "tensor/model_files.hpp"
#include "tensor/packed.hpp"
#include "worker/value.hpp"

namespace darkroom {

/// A network out of a file. Made with its names and shapes checked and its file mapped; packed when it is first used, which lets
/// the file go. After it has been given up it is read again.
class UpscaleModel final : public Object {
 public:
  UpscaleModel(std::filesystem::path file, UpscalerWeights weights, const Compute& compute);
  std::string describe() const override { return "<" + info_.architecture + " x" + std::to_string(info_.scale) + " upscale model>"; }
  std::size_t bytes() const override { return network_.bytes(); }  ///< 0 while it is only mapped
  const UpscalerInfo& info() const { return info_; }
  std::shared_ptr<const Upscaler> network() const { return network_.acquire(); }

 private:
  UpscalerInfo info_;
  std::filesystem::path file_;
  std::optional<UpscalerWeights> weights_;  ///< until it is packed for the first time
  Packed<Upscaler> network_;
};

using UpscaleModels = ModelFiles<UpscaleModel>;

/// The model of a file, from `models` if it is there. Throws what read_upscaler throws.
std::shared_ptr<const UpscaleModel> load_upscale_model(UpscaleModels& models, const std::filesystem::path& path, const Compute& compute);

}  // namespace darkroom
