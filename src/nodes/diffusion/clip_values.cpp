#include "nodes/diffusion/clip_values.hpp"

#include <array>

#include "base/error.hpp"
#include "storage/folders.hpp"
#include "worker/node.hpp"

namespace darkroom {

template <>
std::string ClipValue::describe() const {
  switch (held->family()) {
    case TextFamily::kSd1: return "<text encoder of SD1.x>";
    case TextFamily::kSd2: return "<text encoder of SD2.x>";
    case TextFamily::kSdxl: return "<text encoders of SDXL>";
    case TextFamily::kSdxlRefiner: return "<text encoder of the SDXL refiner>";
  }
  return "<text encoder>";
}

/// The weights are pages of the mapped file, which the system takes back when it needs them.
template <>
std::size_t ClipValue::bytes() const { return 0; }

std::shared_ptr<const Clip> clip_input(const Inputs& in, std::string_view name) {
  if (!in.given(name))
    throw NamedError("RuntimeError", "ERROR: clip input is invalid: None\n\nIf the clip is from a checkpoint loader node your checkpoint does not contain "
                                     "a valid clip or text encoder model.");
  return in.object<ClipValue>(name)->held;
}

PromptContext prompt_context(Context& context) {
  const auto find = [&context](const std::string& name) -> std::optional<std::filesystem::path> {
    for (const char* ending : {"", ".safetensors", ".pt", ".bin"})
      if (auto path = context.folders().find_model("embeddings", name + ending)) return path;
    return std::nullopt;
  };
  return {find, [&context] { context.check(); }};
}

}  // namespace darkroom
