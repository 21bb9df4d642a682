#pragma once
// A workflow out of a file, and its setting up by what a program wants to change.

#include <filesystem>

#include "base/json.hpp"
#include "drawing/picture_prompt.hpp"

namespace darkroom::client {

using darkroom::find_sampler;
using darkroom::random_seed;
using darkroom::set_image;
using darkroom::set_input;
using darkroom::set_negative;
using darkroom::set_positive;
using darkroom::set_seed;

/// Reads a workflow in API form. Throws NotFound for a missing file, InvalidInput with the position for a text that is no JSON, and with
/// what to do about it for the editor's own form, which needs a server's classes (Client::import_workflow).
json::object load_workflow(const std::filesystem::path& file);

}  // namespace darkroom::client
