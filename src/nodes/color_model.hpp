#pragma once
// DDColor's files that a worker keeps open between jobs.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "restore/ddcolor/ddcolor.hpp"
#include "tensor/model_files.hpp"
#include "tensor/packed.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// A network out of a file: its names and shapes checked when it is made; packed when it is first used, which lets the file go. After it has
/// been given up it is read again.
class ColorModel {
 public:
  static constexpr std::int64_t kUsualSide = 512;  ///< of a file that doesn't say what it was made for: the published networks' own

  /// `side`: of the square that it was made for, pixels. `convolutions`: of its 3x3 convolutions; the rest is in `compute`.
  ColorModel(std::filesystem::path file, DDColorWeights weights, std::int64_t side, const Compute& compute, const Compute& convolutions);
  const DDColorInfo& info() const { return info_; }
  std::int64_t native_side() const { return side_; }
  /// `check` is called all the time while it is packed, seconds for a large one; what it throws ends that.
  std::shared_ptr<const DDColor> network(const std::function<void()>& check = {}) const {
    return network_.acquire([&] { return pack(check); });
  }

 private:
  std::shared_ptr<const DDColor> pack(const std::function<void()>& check) const;

  DDColorInfo info_;
  std::filesystem::path file_;
  std::int64_t side_;
  Compute compute_, convolutions_;
  mutable std::optional<DDColorWeights> weights_;  ///< until it is packed for the first time; whoever packs has it
  Packed<DDColor> network_;
};

/// The side of the square that a network was made for: its file's `modelspec.resolution`, where that is a square that DDColor takes, else
/// ColorModel::kUsualSide.
std::int64_t native_side_of(const std::filesystem::path& path);

/// The model of a file, from the worker's open ones if it is there. Throws what read_ddcolor throws.
std::shared_ptr<const ColorModel> load_color_model(Context& context, const std::filesystem::path& path);

}  // namespace darkroom
