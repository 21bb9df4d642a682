#pragma once
// UPSCALE_MODEL as a value, and the models that a worker keeps between jobs.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "restore/upscaler.hpp"
#include "worker/value.hpp"

namespace darkroom {

/// A network out of a file. Made with its names and shapes checked and its file mapped; packed when it is first used.
class UpscaleModel final : public Object {
 public:
  UpscaleModel(UpscalerWeights weights, const Compute& compute) : info_(weights.info), weights_(std::move(weights)), compute_(compute) {}
  std::string describe() const override { return "<" + info_.architecture + " x" + std::to_string(info_.scale) + " upscale model>"; }
  std::size_t bytes() const override { return bytes_; }
  const Upscaler& network() const;

 private:
  UpscalerInfo info_;
  mutable std::mutex mutex_;
  mutable std::optional<UpscalerWeights> weights_;  // until it is packed
  mutable std::unique_ptr<Upscaler> network_;
  mutable std::atomic<std::size_t> bytes_ = 0;      // 0 while it is only mapped
  Compute compute_;
};

/// The models of a worker, last used first. An entry is good for as long as its file keeps its time and size.
class UpscaleModels {
 public:
  /// Throws what read_upscaler throws.
  std::shared_ptr<const UpscaleModel> load(const std::filesystem::path& path, const Compute& compute);

 private:
  static constexpr std::size_t kMostModels = 4, kMostBytes = std::size_t{1} << 30;  // the one in use is kept whatever its size
  struct Key {
    std::string path;
    std::int64_t modified;
    std::uintmax_t size;
    at::ScalarType dtype;
    bool operator==(const Key&) const = default;
  };
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<const UpscaleModel>>> entries_;
};

}  // namespace darkroom
