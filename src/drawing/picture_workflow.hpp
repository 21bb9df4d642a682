#pragma once
// The workflow behind `darkroom txt2img`, `darkroom img2img` and /v1/images: the graph that a user of the editor would draw.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

struct PictureRequest {
  std::string prompt, negative;
  std::string model;                ///< name of a checkpoint
  std::vector<std::string> loras;   ///< "name" or "name:0.8", applied in this order
  std::int64_t width = 512, height = 512, batch = 1, steps = 20;
  double cfg = 8, denoise = 1;
  std::string sampler = "euler", scheduler = "normal";
  std::uint64_t seed = 0;
  std::string picture;              ///< img2img: name of the input picture; empty: from noise
  bool resize = false;              ///< the input picture is scaled to width and height, its middle where the shapes differ
  bool masked = false;              ///< only what is transparent in it is made anew
  std::string prefix = "darkroom";  ///< of the names of the results
};

/// The request as a prompt in API form. Throws InvalidInput for a size that is not a multiple of 8, and for a LoRA's strength that is
/// no number.
json::object picture_workflow(const PictureRequest& request);

/// "512x768" as width and height. Throws InvalidInput.
std::pair<std::int64_t, std::int64_t> picture_size(const std::string& text);

}  // namespace darkroom
