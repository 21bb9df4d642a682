#pragma once
// Calls the UNet for the conditioning of a run: what is active, grouped into batches, weighted and joined by place.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "diffusion/guider.hpp"
#include "diffusion/hooked_networks.hpp"
#include "diffusion/prepared_conditioning.hpp"
#include "diffusion/unet_patches.hpp"

namespace darkroom {

class Gligen;

class Predictor final : public Predictions {
 public:
  struct Limits {
    std::function<void()> check;
    std::function<std::size_t()> free_bytes;
    Chance* chance = nullptr;  ///< for patches of the UNet
  };
  Predictor(const DiffusionModel& model, std::vector<PreparedConds> lists, const std::vector<float>& sigmas, Limits limits);

  std::vector<at::Tensor> predict(const std::vector<bool>& wanted, const at::Tensor& x, double sigma, const UNetPatches* patches) override;
  const DiffusionModel& model() const override { return model_; }
  const std::vector<float>& sigmas() const override { return sigmas_; }

 private:
  struct Item;
  /// The denoised latents of the entries of a batch, one behind the other: [n * B, C, h, w].
  at::Tensor run(const std::vector<Item>& batch, const at::Tensor& x, double sigma, const UNetPatches* patches);
  /// The entries of the wanted lists that are active, negatives first, each with its weight and the key of its network.
  std::vector<Item> active_items(const std::vector<bool>& wanted, const at::Tensor& x, double sigma);
  /// What the list's active entries leave of 1 at each place: [B,1,h,w].
  static at::Tensor left_over(const std::vector<Item>& items, std::size_t list, const at::Tensor& x);
  bool fits(std::size_t entries, const at::Tensor& x, const Area& area) const;
  /// The texts of a batch as one tensor [n * B, T, D], the same one at every step: the network keeps keys and values by it. `of_control`:
  /// what its controls read.
  const at::Tensor& context(const std::vector<Item>& batch, std::int64_t pictures, bool of_control);
  std::optional<ControlResiduals> controls(const std::vector<Item>& batch, const UNetCall& call, std::int64_t pictures, double sigma);
  /// The call's patches and the boxes of a batch's entries, which share them.
  std::optional<UNetPatches> with_boxes(const std::vector<Item>& batch, const UNetPatches* patches);

  const DiffusionModel& model_;
  std::vector<PreparedConds> lists_;
  const std::vector<float>& sigmas_;
  Limits limits_;
  HookedNetworks networks_;
  std::map<std::pair<std::vector<const PreparedCond*>, bool>, at::Tensor> contexts_;
  struct Boxes {
    std::shared_ptr<const Gligen> model;
    at::Tensor objects;
  };
  std::map<std::tuple<const GligenUse*, std::int64_t, std::int64_t>, Boxes> boxes_;  // in areas of this height and width
};

}  // namespace darkroom
