// The arithmetic of LoRA, LoCon, LoHa, LoKr, DoRA and plain differences on one weight.

#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/kron.h>
#include <ATen/ops/matmul.h>

#include <optional>

#include "base/error.hpp"
#include "diffusion/lora.hpp"

namespace darkroom {

namespace {

/// The parts of a delta as float32.
class Parts {
 public:
  explicit Parts(const WeightDelta& delta) : delta_(delta) {}
  bool has(std::string_view part) const { return delta_.parts.contains(part); }
  at::Tensor get(std::string_view part) const {
    const auto found = delta_.parts.find(part);
    if (found == delta_.parts.end()) throw InvalidInput("a LoRA lacks its part " + std::string(part));
    return found->second.to(at::kFloat);
  }
  /// alpha / rank, 1 without alpha or rank.
  double scale(std::optional<std::int64_t> rank) const {
    if (!has("alpha") || !rank || *rank == 0) return 1;
    return get("alpha").reshape({-1})[0].item<double>() / static_cast<double>(*rank);
  }

 private:
  const WeightDelta& delta_;
};

at::Tensor flat(const at::Tensor& t) { return t.reshape({t.size(0), -1}); }

/// core[i,j,...] contracted with a[i,out] and b[j,in]: Tucker's form of a convolution.
at::Tensor tucker(const at::Tensor& core, const at::Tensor& b, const at::Tensor& a) { return at::einsum("ijkl,jr,ip->prkl", {core, b, a}); }

/// The difference, and what it is multiplied with beside the strength.
struct Difference {
  at::Tensor tensor;
  double scale = 1;
};

Difference low_rank(const Parts& parts) {
  const auto up = parts.get("up");
  auto down = parts.get("down");
  const auto rank = down.size(0);
  if (parts.has("mid")) {
    const auto mid = parts.get("mid");  // [rank, rank, kh, kw]
    const auto core = at::einsum("abkl,bi->aikl", {mid, flat(down)});
    down = core;
  }
  if (up.size(1) != down.size(0)) throw InvalidInput("the ranks of a LoRA's two parts differ");
  return {at::matmul(flat(up), flat(down)), parts.scale(rank)};
}

Difference hadamard(const Parts& parts) {
  const auto w1_a = parts.get("hada_w1_a"), w1_b = parts.get("hada_w1_b"), w2_a = parts.get("hada_w2_a"), w2_b = parts.get("hada_w2_b");
  const double scale = parts.scale(w1_b.size(0));
  if (parts.has("hada_t1")) return {tucker(parts.get("hada_t1"), w1_b, w1_a) * tucker(parts.get("hada_t2"), w2_b, w2_a), scale};
  return {at::matmul(w1_a, w1_b) * at::matmul(w2_a, w2_b), scale};
}

Difference kronecker(const Parts& parts) {
  std::optional<std::int64_t> rank;
  const auto factor = [&](const std::string& name) {
    if (parts.has(name)) return parts.get(name);
    const auto a = parts.get(name + "_a"), b = parts.get(name + "_b");
    rank = b.size(0);
    if (name == "lokr_w2" && parts.has("lokr_t2")) return tucker(parts.get("lokr_t2"), b, a);
    return at::matmul(a, b);
  };
  auto w1 = factor("lokr_w1");
  const auto w2 = factor("lokr_w2");
  if (w2.dim() == 4 && w1.dim() == 2) w1 = w1.unsqueeze(2).unsqueeze(2);
  return {at::kron(w1, w2), parts.scale(rank)};
}

/// The length of each output's (or, with a scale of that shape, each input's) weights.
at::Tensor lengths(const at::Tensor& weight, bool by_output) {
  const auto rows = by_output ? weight : weight.transpose(0, 1);
  auto lengths = rows.reshape({rows.size(0), -1}).norm(2, 1);
  std::vector<std::int64_t> shape(weight.dim(), 1);
  shape[by_output ? 0 : 1] = rows.size(0);
  return lengths.reshape(shape);
}

}  // namespace

at::Tensor apply_delta(const at::Tensor& weight, const WeightDelta& delta, double strength) {
  const Parts parts(delta);
  auto result = weight.to(at::kFloat);
  const auto add = [&](const at::Tensor& difference) {
    if (difference.numel() != result.numel()) throw InvalidInput("a LoRA's difference does not have the shape of its weight");
    result = result + difference.reshape(result.sizes()) * strength;
  };
  std::optional<Difference> difference;
  if (parts.has("up")) difference = low_rank(parts);
  else if (parts.has("hada_w1_a")) difference = hadamard(parts);
  else if (parts.has("lokr_w1") || parts.has("lokr_w1_a")) difference = kronecker(parts);
  if (difference) {
    if (difference->tensor.numel() != result.numel()) throw InvalidInput("a LoRA's difference does not have the shape of its weight");
    const auto change = difference->tensor.reshape(result.sizes()) * difference->scale;
    if (parts.has("dora_scale")) {  // the direction changes by the low rank, the lengths are those of the file
      const auto scale = parts.get("dora_scale");
      const bool by_output = scale.size(0) == result.size(0);
      const auto moved = result + change;
      const auto decomposed = moved * (scale.reshape(lengths(moved, by_output).sizes()) / lengths(by_output ? result : moved, by_output));
      result = result + (decomposed - result) * strength;
    } else {
      result = result + change * strength;
    }
  }
  for (const auto* part : {"diff", "w_norm", "diff_b", "b_norm"})
    if (parts.has(part)) add(parts.get(part));
  return result;
}

}  // namespace darkroom
