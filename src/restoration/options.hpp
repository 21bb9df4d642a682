#pragma once
// What somebody who sends a photograph asks for: the `options` of POST /restore.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace darkroom::restoration {

/// A request that can't become a job. `code` is for programs, the text for people.
struct Refusal {
  std::string code, text;
};

struct RestoreOptions {
  std::optional<bool> colorize;  ///< not said: where a colouriser is installed
  double denoise = 0;            ///< strength 0 to 1; 0: off
  double scratch = 0;            ///< strength 0 to 1; `true` is 0.2
  int upscale = 1;               ///< 1 (off), 2 or 4 times the size
  double sharpen = 0;            ///< strength 0 to 1
  std::string model;             ///< of the colouriser; "": the best that is installed
  std::string upscale_model;     ///< "": the quickest that is installed
  std::optional<int> size;       ///< side of what the colouriser sees, pixels; not said: what it was made for
  bool keep_gps = false;         ///< where the picture was taken stays in the result
  std::string lang;              ///< of messages, "en" or "zh"; "": not said

  json::object to_json() const;
};

/// Limit: side of what the colouriser sees, as a request names it, pixels. Beyond: 400. Fixed: the range that its networks are trained for.
/// Edge: RestoreOptions.SizesHaveARange.
constexpr std::int64_t kMaxSize = 1024;
constexpr std::int64_t kMinSize = 256, kSizeStep = 32;
/// Limit: a model's name in the options, bytes. Beyond: 400. Fixed: file names have up to 255. Edge: RestoreOptions.NamesHaveALimit.
constexpr std::size_t kMaxModelName = 255;

/// Reads the JSON text of `options`; "" is an empty object. Throws Refusal (`bad_options`) that names what is wrong: unknown keys too.
RestoreOptions parse_options(std::string_view text);

}  // namespace darkroom::restoration
