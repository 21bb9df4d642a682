#pragma once
// DDColor's files that a worker keeps open between jobs.

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
  /// `convolutions`: of its 3x3 convolutions; the rest is in `compute`.
  ColorModel(std::filesystem::path file, DDColorWeights weights, const Compute& compute, const Compute& convolutions);
  const DDColorInfo& info() const { return info_; }
  /// `check` is called all the time while it is packed, seconds for a large one; what it throws ends that.
  std::shared_ptr<const DDColor> network(const std::function<void()>& check = {}) const {
    return network_.acquire([&] { return pack(check); });
  }

 private:
  std::shared_ptr<const DDColor> pack(const std::function<void()>& check) const;

  DDColorInfo info_;
  std::filesystem::path file_;
  Compute compute_, convolutions_;
  mutable std::optional<DDColorWeights> weights_;  ///< until it is packed for the first time; whoever packs has it
  Packed<DDColor> network_;
};

/// The model of a file, from the worker's open ones if it is there. Throws what read_ddcolor throws.
std::shared_ptr<const ColorModel> load_color_model(Context& context, const std::filesystem::path& path);

}  // namespace darkroom
