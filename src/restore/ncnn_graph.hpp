#pragma once
// An ncnn graph as a term over its layers. Names of blobs and layers mean nothing, so both the file's graph and the one that a network
// should have are written as expressions over interned terms: the graphs are equal when their last terms are.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "restore/ncnn.hpp"

namespace darkroom {

/// What is behind a layer, as text: "" nothing, "/relu", "/leaky" with its slope, "/sigmoid".
namespace ncnn_activation {
inline const std::string kNone, kRelu = "/relu", kSigmoid = "/sigmoid";
std::string leaky(double slope);
}  // namespace ncnn_activation

/// All of a convolution but its channels: square, the same in both directions, with bias.
struct ConvForm {
  std::int64_t kernel = 3, stride = 1, padding = 1;
  std::string activation;
};

constexpr int kNcnnNearest = 1, kNcnnBicubic = 3;

/// Terms with equal operation and arguments get the same number. The n-th convolution (transposed one, ...) of a file has its own
/// operation.
class NcnnTerms {
 public:
  int operator()(const std::string& operation, const std::vector<int>& arguments);
  int input() { return (*this)("input", {}); }
  int conv(std::size_t n, const ConvForm& form, int x) { return layer("conv", n, form, x); }
  int transposed(std::size_t n, const ConvForm& form, int x) { return layer("transposed", n, form, x); }
  int dense(std::size_t n, const std::string& activation, int x) { return (*this)("dense" + std::to_string(n) + activation, {x}); }
  int prelu(std::size_t n, int x) { return (*this)("prelu" + std::to_string(n), {x}); }
  int add(int a, int b) { return (*this)("add", {std::min(a, b), std::max(a, b)}); }
  int weighted(double wa, int a, double wb, int b) { return (*this)("sum " + std::to_string(wa) + " " + std::to_string(wb), {a, b}); }
  int resize(int type, double scale, int x) { return (*this)("resize" + std::to_string(type) + " " + std::to_string(scale), {x}); }
  int shuffle(std::int64_t r, int x) { return (*this)("shuffle" + std::to_string(r), {x}); }
  int concat(const std::vector<int>& parts) { return (*this)("concat", parts); }
  int mean(int x) { return (*this)("mean", {x}); }                            ///< of each channel
  int scaled(int x, int factors) { return (*this)("scaled", {x, factors}); }  ///< channel by channel
  /// `x` without `margin` pixels at the left and the top, as large as `like`.
  int cropped(std::int64_t margin, int x, int like) { return (*this)("cropped" + std::to_string(margin), {x, like}); }

 private:
  int layer(const char* kind, std::size_t n, const ConvForm& form, int x);
  std::map<std::string, int> numbers_;
};

/// The term of a file's graph, and the layers that own weights in their order.
struct NcnnGraph {
  /// Throws InvalidInput for a layer, or a parameter of one, that no network which we run has.
  explicit NcnnGraph(const std::vector<NcnnLayer>& layers);

  NcnnTerms terms;
  std::vector<const NcnnLayer*> convs, transposed, dense, slopes;
  double shrink = 1;         ///< of a bicubic Interp
  std::int64_t shuffle = 0;  ///< of the last PixelShuffle
  int result = -1;           ///< of the last layer

 private:
  int term_of(const NcnnLayer& layer, const std::vector<int>& in);
};

}  // namespace darkroom
