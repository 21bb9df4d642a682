#pragma once
// The prompt behind a request of /v1/images: a workflow of the server's choice set up for it, or one made for the checkpoint that is
// preferred.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/identity.hpp"
#include "gateway/images_request.hpp"

namespace darkroom {

namespace asio = boost::asio;

class PartFile;
struct Services;

/// A picture that was sent to be edited, as darkroom-picture found it.
struct EditPicture {
  PartFile* file = nullptr;
  std::string ending;  ///< for what it is: ".png"
  std::int64_t width = 0, height = 0;
};

struct EditPictures {
  std::vector<EditPicture> images;  ///< at least one
  std::optional<EditPicture> mask;  ///< what is transparent in it is made anew
};

/// A prompt, and the seed that is in it.
struct ImagesPrompt {
  json::object prompt;
  std::uint64_t seed = 0;
};

/// Throws ApiError for what the workflow can't do, and when it can't be used at all.
asio::awaitable<ImagesPrompt> generation_prompt(Services& services, const ImagesRequest& request);
/// The same; the pictures are then in the input folder of `who`.
asio::awaitable<ImagesPrompt> edit_prompt(Services& services, const Identity& who, const ImagesRequest& request,
                                          const EditPictures& pictures);

}  // namespace darkroom
