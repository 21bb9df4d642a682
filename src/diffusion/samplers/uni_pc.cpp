// UniPC (Zhao et al. 2023): unified predictor and corrector of up to third order on the data prediction, in lambda = -log(sigma). bh1 and bh2
// are the paper's two choices of B(h).
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

constexpr std::size_t kMostOrder = 3;
constexpr double kLastSigma = 0.001;  ///< instead of 0

/// sigma / alpha of the variance-preserving process with this sigma: the same number but for float32, in which 1 - abar has few digits at
/// small sigmas. That rounding is part of the method's numbers.
double by_way_of_abar(double sigma) {
  const auto s = static_cast<float>(sigma);
  const float log_alpha = 0.5F * std::log(1.0F / (s * s + 1.0F));
  const float spread = std::sqrt(1.0F - std::exp(2.0F * log_alpha));
  return spread > 0 ? spread / std::exp(log_alpha) : s;
}

/// Solves a system of n <= 3 unknowns by Gaussian elimination with pivoting.
std::array<double, kMostOrder> solve(std::array<std::array<double, kMostOrder>, kMostOrder> a, std::array<double, kMostOrder> b, std::size_t n) {
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row)
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (std::size_t row = column + 1; row < n; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (std::size_t k = column; k < n; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  for (std::size_t row = n; row-- > 0;) {
    for (std::size_t k = row + 1; k < n; ++k) b[row] -= a[row][k] * b[k];
    b[row] /= a[row][row];
  }
  return b;
}

/// The model's predictions at the last sigmas, newest first.
struct History {
  std::deque<at::Tensor> denoised;
  std::deque<double> sigmas;
  void add(at::Tensor prediction, double sigma) {
    denoised.push_front(std::move(prediction));
    sigmas.push_front(by_way_of_abar(sigma));
    if (denoised.size() > kMostOrder) {
      denoised.pop_back();
      sigmas.pop_back();
    }
  }
};

/// What one step needs to predict x at `next`, and to correct it once the model has been asked there.
class Step {
 public:
  Step(const History& history, const at::Tensor& x, double end, std::size_t order, bool bh2) : history_(history), order_(order) {
    const double sigma = history.sigmas.front(), next = by_way_of_abar(end), h = std::log(sigma / next), hh = -h;
    std::array<double, kMostOrder> nodes{};
    for (std::size_t k = 1; k < order; ++k) nodes[k - 1] = std::log(sigma / history.sigmas[k]) / h;
    nodes[order - 1] = 1;
    for (std::size_t k = 1; k < order; ++k) changes_.push_back((history.denoised[k] - history.denoised[0]).div_(nodes[k - 1]));

    const double phi_1 = std::expm1(hh);
    scale_ = bh2 ? phi_1 : hh;
    double phi = phi_1 / hh - 1, factorial = 1;
    for (std::size_t row = 0; row < order; ++row) {
      for (std::size_t k = 0; k < order; ++k) matrix_[row][k] = std::pow(nodes[k], static_cast<double>(row));
      wanted_[row] = phi * factorial / scale_;
      factorial *= static_cast<double>(row + 2);
      phi = phi / hh - 1 / factorial;
    }
    base_ = combine({{next / sigma, &x}, {-phi_1, &history.denoised[0]}});
  }

  at::Tensor predicted() const {
    auto result = base_.clone();
    if (order_ == 2) result.add_(changes_[0], -scale_ / 2);  // the paper's simplification
    if (order_ > 2) {
      const auto weights = solve(matrix_, wanted_, order_ - 1);
      for (std::size_t k = 0; k + 1 < order_; ++k) result.add_(changes_[k], -scale_ * weights[k]);
    }
    return result;
  }

  at::Tensor corrected(const at::Tensor& denoised_there) const {
    auto weights = solve(matrix_, wanted_, order_);
    if (order_ == 1) weights[0] = 0.5;
    auto result = base_.clone();
    for (std::size_t k = 0; k + 1 < order_; ++k) result.add_(changes_[k], -scale_ * weights[k]);
    return result.add_(denoised_there - history_.denoised[0], -scale_ * weights[order_ - 1]);
  }

 private:
  const History& history_;
  std::size_t order_;
  std::vector<at::Tensor> changes_;
  std::array<std::array<double, kMostOrder>, kMostOrder> matrix_{};
  std::array<double, kMostOrder> wanted_{};
  double scale_ = 0;
  at::Tensor base_;
};

at::Tensor predict_and_correct(Walk& walk, at::Tensor x, bool bh2) {
  const bool cut_short = walk.sigmas.back() == 0;
  if (cut_short) walk.sigmas.back() = kLastSigma;
  const auto steps = walk.steps();
  const auto most = std::clamp<std::int64_t>(steps - 1, 1, kMostOrder);
  History history;
  history.add(walk.denoise(x, walk.sigma(0)), walk.sigma(0));
  for (std::int64_t i = 1; i <= steps; ++i) {
    const double next = walk.sigma(i);
    const auto order = std::min({i, most, steps + 1 - i});  // lower at both ends
    const Step step(history, x, next, static_cast<std::size_t>(order), bh2);
    walk.report(i - 1, history.denoised.front(), x);
    x = step.predicted();
    if (i == steps) break;
    auto there = walk.denoise(x, next);
    x = step.corrected(there);
    history.add(std::move(there), next);
  }
  // Flow models scale the data by 1 - sigma; the caller knows of sigma 0 only.
  return cut_short ? walk.sampling().remove_scale(kLastSigma, x) : x;
}

}  // namespace

at::Tensor uni_pc(Walk& walk, at::Tensor x) { return predict_and_correct(walk, std::move(x), false); }
at::Tensor uni_pc_bh2(Walk& walk, at::Tensor x) { return predict_and_correct(walk, std::move(x), true); }

}  // namespace darkroom::methods
