#include "nodes/denoise_model.hpp"

#include <utility>

#include "nodes/model_files.hpp"

namespace darkroom {

DenoiseModel::DenoiseModel(std::filesystem::path file, DenoiserWeights weights, const Compute& compute)
    : file_(std::move(file)), weights_(std::move(weights)), network_(compute.budget, 0, [this, compute]() -> std::shared_ptr<const FfdNet> {
        const auto read = weights_ ? *std::exchange(weights_, std::nullopt) : read_denoiser(file_);
        return std::make_shared<const FfdNet>(read, compute);
      }) {}

std::shared_ptr<const DenoiseModel> load_denoise_model(Context& context, const std::string& name) {
  const auto compute = convolution_compute_of(context);
  return model_files<DenoiseModel>(context, "denoise")->get(model_file(context, "denoise", name), compute, [&](const auto& file) {
    return std::make_shared<const DenoiseModel>(file, read_denoiser(file), compute);
  });
}

}  // namespace darkroom
