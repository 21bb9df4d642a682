#pragma once
// ncnn's .param/.bin pairs: the layers with their weights, and the networks that we run out of them.
// Source: ncnn's param-and-model-file-structure page; layer parameters from its operators page.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "restore/upscaler.hpp"
#include "tensor/mapped_file.hpp"

namespace darkroom {

/// One line of a .param file with what it owns in the .bin.
struct NcnnLayer {
  std::string kind, name;
  std::vector<std::string> inputs, outputs;
  std::map<int, double> numbers;               ///< id=value
  std::map<int, std::vector<double>> arrays;   ///< -23300-id=count,v0,v1,...
  at::Tensor weight;  ///< Convolution, Deconvolution: [out,in,kh,kw], float32 or float16; InnerProduct: [out,in]; PReLU: the slopes
  at::Tensor bias;

  double number(int id, double fallback) const;
  /// A parameter that has to be an integer. Throws InvalidInput.
  std::int64_t integer(int id, std::int64_t fallback) const;
};

/// The text form, in file order. Throws InvalidInput with the line of a fault.
std::vector<NcnnLayer> parse_ncnn_param(std::string_view text);
/// Gives the layers their weights: views of the map where its alignment allows. Throws InvalidInput when the file is
/// shorter or longer than the layers need, for int8 weights, and for a kind of layer that isn't known.
void read_ncnn_bin(std::vector<NcnnLayer>& layers, const std::shared_ptr<const MappedFile>& file);

/// Recognises the graph: it must be exactly SRVGGNetCompact (with a bicubic shrink behind it or without), RRDBNet, SRMD or a network of
/// waifu2x. Throws InvalidInput for any other.
UpscalerWeights recognise_ncnn(const std::vector<NcnnLayer>& layers);

/// `path` is the .param; the .bin lies beside it under the same name, or for the x2 and x3 variants of animevideov3, whose
/// weights are those of x4, under that of x4. Throws NotFound, or InvalidInput that begins with a file's name.
UpscalerWeights read_ncnn(const std::filesystem::path& path);

}  // namespace darkroom
