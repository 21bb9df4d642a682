#pragma once
// What the service knows of node classes: the part that each plays in a restoration. The only table of class names here.

#include <string_view>

namespace darkroom::restoration {

enum class Role {
  kOther,
  kLoadPhoto,  ///< stage preprocess
  kLoadModel,  ///< stage load_model
  kStep,       ///< stage inference, with a source
  kSave,       ///< stage postprocess
};

struct ClassPart {
  std::string_view name;
  Role role = Role::kOther;
  std::string_view source;  ///< of a step: denoise, scratch, colorize, upscale, sharpen
  double weight = 0;        ///< of a step: its share of the work, beside other steps
};

/// The part of a class; Role::kOther for those that play none.
const ClassPart& part_of(std::string_view node_class);

/// "denoise", "scratch", "colorize", "upscale", "sharpen": the order in which they are done.
constexpr std::string_view kSources[] = {"denoise", "scratch", "colorize", "upscale", "sharpen"};

}  // namespace darkroom::restoration
