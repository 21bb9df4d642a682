#pragma once
// MODEL: a UNet's weights with all that a graph has changed about them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "diffusion/guidance.hpp"
#include "diffusion/latent_format.hpp"
#include "diffusion/model_sampling.hpp"
#include "diffusion/unet.hpp"
#include "tensor/packed.hpp"

namespace darkroom {

class HookedUNets;  // diffusion/hooked_unets.hpp

/// One set of UNet weights: mapped until it is first used, packed afterwards. Thread-safe.
class Network {
 public:
  Network(Weights weights, UNetConfig config, Compute compute);

  const Weights& weights() const { return weights_; }
  const UNetConfig& config() const { return config_; }
  const Compute& compute() const { return compute_; }
  /// The packed network; who holds the pointer keeps it from being given up.
  std::shared_ptr<const UNet> acquire() const { return packed_.acquire(); }
  std::size_t bytes() const { return packed_.bytes(); }  ///< of the packed form, 0 without one
  /// The same with hooks' weights on it.
  HookedUNets& hooked() const { return *hooked_; }

 private:
  Weights weights_;
  UNetConfig config_;
  Compute compute_;
  Packed<UNet> packed_;
  std::shared_ptr<HookedUNets> hooked_;
};

/// One call of the network as something around it sees it: a batch of equal parts, each of one list.
struct NetworkCall {
  const at::Tensor& x;        ///< float32 [n*B,C,h,w], noised and not scaled for the network
  const at::Tensor& sigmas;   ///< float32 [n*B]
  const at::Tensor& context;  ///< float32 [n*B,T,D]
  const std::vector<std::int64_t>& lists;  ///< of each part: 0 cond, 1 uncond
  /// The denoised latent of an x and sigmas (one value), of the same shapes.
  std::function<at::Tensor(const at::Tensor& x, const at::Tensor& sigmas)> apply;
};

/// Copying it copies handles: a patch is a changed copy. Immutable once it is shared.
struct DiffusionModel {
  std::shared_ptr<const Network> network;
  std::shared_ptr<const ModelSampling> schedule;
  const LatentFormat* latents = nullptr;
  std::shared_ptr<const UNetPatches> patches;  ///< null: none
  GuidanceHooks hooks;
  std::function<at::Tensor(const NetworkCall&)> around_network;  ///< gives the denoised latents; none: `apply` alone

  const ModelSampling& sampling() const { return *schedule; }
  const UNetConfig& config() const { return network->config(); }
  /// The same with other weights (LoRA, merges): `patch` is applied to what this model's weights are.
  DiffusionModel with_weights(Weights::Patch patch) const;
};

/// The model of the UNet that `weights` holds below its root. Throws InvalidInput that says why there is none.
DiffusionModel load_diffusion_model(const Weights& weights, const Compute& compute);

}  // namespace darkroom
