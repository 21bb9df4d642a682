#include "nodes/color_model.hpp"

#include <c10/core/ScalarType.h>

#include <utility>

#include "base/error.hpp"
#include "nodes/model_files.hpp"
#include "storage/safetensors_head.hpp"

namespace darkroom {
namespace {

/// About what the packed form takes.
std::size_t packed_bytes(const DDColorWeights& weights, const Compute& compute) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : *weights.tensors) numbers += tensor.numel();
  return static_cast<std::size_t>(numbers) * c10::elementSize(compute.dtype);
}

}  // namespace

ColorModel::ColorModel(std::filesystem::path file, DDColorWeights weights, std::int64_t side, const Compute& compute,
                       const Compute& convolutions)
    : info_(weights.info),
      file_(std::move(file)),
      side_(side),
      compute_(compute),
      convolutions_(convolutions),
      weights_(std::move(weights)),
      network_(compute.budget, packed_bytes(*weights_, compute), [this] { return pack({}); }) {}

std::shared_ptr<const DDColor> ColorModel::pack(const std::function<void()>& check) const {
  const auto read = weights_ ? *std::exchange(weights_, std::nullopt) : read_ddcolor(file_);
  if (read.info != info_) throw InvalidInput(file_.filename().string() + ": another network has taken its place; run it again");
  return std::make_shared<const DDColor>(read, compute_, convolutions_, check);
}

std::int64_t native_side_of(const std::filesystem::path& path) {
  const auto metadata = safetensors_metadata(path);
  const auto size = metadata ? resolution_of(*metadata) : std::nullopt;
  const bool usable = size && size->first == size->second && DDColor::takes(size->first);
  return usable ? size->first : ColorModel::kUsualSide;
}

std::shared_ptr<const ColorModel> load_color_model(Context& context, const std::filesystem::path& path) {
  const auto compute = compute_of(context);
  return model_files<ColorModel>(context, "ddcolor")->get(path, compute, [&](const auto& file) {
    return std::make_shared<const ColorModel>(file, read_ddcolor(file), native_side_of(file), compute, convolution_compute_of(context));
  });
}

}  // namespace darkroom
