#pragma once
// What this server can do, as clients ask it: GET /features and the `feature_flags` message (protocol.md §4.3).

#include "base/json.hpp"

namespace darkroom {

struct Options;

/// max_upload_size is an integer for the default and a double when --max-upload-size was given, as in ComfyUI.
json::object features(const Options& options);

}  // namespace darkroom
