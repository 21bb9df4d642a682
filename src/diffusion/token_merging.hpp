#pragma once
// Token merging (Bolya & Hoffman 2023, "Token Merging for Fast Stable Diffusion"): attention over fewer queries, those that are most alike joined.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

class Chance;

/// Which tokens of an image become one: of each 2x2 pixels one, by chance, is a destination; of the other tokens those that are most alike to a
/// destination go into it.
class TokenMerging {
 public:
  /// `tokens` [B,T,C], pixels of `height` x `width` row by row; `count`: how many of them go (at most those that are no destinations).
  TokenMerging(const at::Tensor& tokens, std::int64_t height, std::int64_t width, std::int64_t count, Chance& chance);
  at::Tensor merge(const at::Tensor& tokens) const;    ///< [B,T,C] -> [B,T-count,C], means of what was joined
  at::Tensor unmerge(const at::Tensor& merged) const;  ///< back; joined tokens all get their destination's

 private:
  std::int64_t tokens_;
  at::Tensor sources_, destinations_;  ///< int64 [1,n,1]: places of tokens
  at::Tensor kept_, gone_;             ///< int64 [B,n,1]: places among the sources
  at::Tensor into_;                    ///< int64 [B,n,1]: of each that goes, the place among the destinations
};

}  // namespace darkroom
