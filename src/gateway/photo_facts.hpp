#pragma once
// What a photograph is before anything is done to it: which kind of file, how large, or why it can't be restored.

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>

#include "restoration/facts.hpp"

namespace darkroom {

class PictureHelper;

/// Lets darkroom-picture decode it once. `head`: its first bytes, 16 or all. Gives its size, its bytes, and in `name` the ending for what
/// it is
/// (".jpg"). Throws restoration::Refusal (`bad_image`, `too_large`), and what PictureHelper::run_in_turn() throws of the machine.
boost::asio::awaitable<restoration::PictureFile> look_at_photo(PictureHelper& helper, std::filesystem::path file, std::string head);

}  // namespace darkroom
