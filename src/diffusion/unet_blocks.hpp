#pragma once
// The blocks that UNets and ControlNets are made of, read by the names of their tensors.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "diffusion/residual_block.hpp"
#include "diffusion/spatial_transformer.hpp"
#include "diffusion/text_keys.hpp"
#include "diffusion/time_embedding.hpp"
#include "diffusion/unet.hpp"

namespace darkroom {

/// What one call carries through the blocks.
struct UNetFlow {
  const UNetCall& call;
  const TimeEmbedding& embedding;
  at::Tensor shifts;   ///< TimeEmbedding::shifts
  at::Tensor context;  ///< in the network's dtype and device
  std::shared_ptr<const TextKeyCache::Keys> keys;
};

/// One entry of input_blocks, middle_block or output_blocks: its layers in order.
class UNetBlock {
 public:
  // Layers are shared between a network and those that differ from it in a few weights.
  template <class T>
  using Shared = std::shared_ptr<const T>;
  struct Entry { Shared<Convolution> layer; };
  struct Residual { Shared<ResidualBlock> layer; std::size_t index; };  ///< of TimeEmbedding
  struct Transformer { Shared<SpatialTransformer> layer; std::int64_t first, heads; };  ///< number of its first block
  struct Down { Shared<Convolution> layer; };
  struct Up { Shared<Convolution> layer; };
  using Layer = std::variant<Entry, Residual, Transformer, Down, Up>;

  /// [B,C,H,W] -> the block's output. `enlarged`: height and width after an Up layer, the next skip's; twice the size when not given.
  /// Looks at flow.call.check first.
  at::Tensor run(at::Tensor h, const UNetFlow& flow, UNetPlace place, std::optional<std::pair<std::int64_t, std::int64_t>> enlarged = {}) const;
  std::size_t bytes() const;
  std::int64_t out() const;  ///< channels
  const std::vector<Layer>& layers() const { return layers_; }

 private:
  friend class UNetBlockReader;
  std::vector<Layer> layers_;
};

/// Reads blocks in the network's order and counts what they share.
class UNetBlockReader {
 public:
  /// `changed`: is any weight below this name (from the file's root on) another than in the blocks that are given as `base`? Layers of which
  /// none is are taken from there.
  using Changed = std::function<bool(const std::string& prefix)>;
  UNetBlockReader(const UNetConfig& config, const Compute& compute, Changed changed = {}) : config_(config), compute_(compute), changed_(std::move(changed)) {}
  /// All blocks `name`.0, `name`.1, ... Throws InvalidInput that names what is missing or odd.
  std::vector<UNetBlock> read_list(const Weights& weights, const std::string& name, const std::vector<UNetBlock>* base = nullptr);
  UNetBlock read(const Weights& block, const UNetBlock* base = nullptr);
  /// Of the residual blocks so far, for TimeEmbedding.
  const std::vector<Weights>& residual_blocks() const { return residual_blocks_; }
  std::int64_t transformers() const { return transformers_; }
  std::size_t shared_bytes() const { return shared_bytes_; }  ///< of layers that were taken from `base`

 private:
  UNetConfig config_;
  Compute compute_;
  Changed changed_;
  std::vector<Weights> residual_blocks_;
  std::int64_t transformers_ = 0;
  std::size_t shared_bytes_ = 0;
};

/// The transformer blocks of `blocks`, in order.
void collect_transformers(std::span<const UNetBlock> blocks, std::vector<const TransformerBlock*>& into);

/// Throws InvalidInput, which begins with `network`, where a call's tensors do not fit it.
void check_call(const UNetCall& call, const UNetConfig& config, const std::string& network);

}  // namespace darkroom
