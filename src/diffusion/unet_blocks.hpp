#pragma once
// The blocks that UNets and ControlNets are made of, read by the names of their tensors.

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
  struct Entry { Convolution layer; };
  struct Residual { ResidualBlock layer; std::size_t index; };  ///< of TimeEmbedding
  struct Transformer { SpatialTransformer layer; std::int64_t first, heads; };  ///< number of its first block
  struct Down { Convolution layer; };
  struct Up { Convolution layer; };
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
  UNetBlockReader(const UNetConfig& config, const Compute& compute) : config_(config), compute_(compute) {}
  /// All blocks `name`.0, `name`.1, ... Throws InvalidInput that names what is missing or odd.
  std::vector<UNetBlock> read_list(const Weights& weights, const std::string& name);
  UNetBlock read(const Weights& block);
  /// Of the residual blocks so far, for TimeEmbedding.
  const std::vector<Weights>& residual_blocks() const { return residual_blocks_; }
  std::int64_t transformers() const { return transformers_; }

 private:
  UNetConfig config_;
  Compute compute_;
  std::vector<Weights> residual_blocks_;
  std::int64_t transformers_ = 0;
};

/// The transformer blocks of `blocks`, in order.
void collect_transformers(std::span<const UNetBlock> blocks, std::vector<const TransformerBlock*>& into);

/// Throws InvalidInput, which begins with `network`, where a call's tensors do not fit it.
void check_call(const UNetCall& call, const UNetConfig& config, const std::string& network);

}  // namespace darkroom
