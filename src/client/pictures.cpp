// The article's two programs, and the saving of what they get.

#include <fstream>

#include "client/client.hpp"
#include "client/picture_prompt.hpp"

namespace darkroom::client {

namespace fs = std::filesystem;

fs::path save_image(const FetchedImage& image, const fs::path& folder) {
  const fs::path path = place_for({image.node, image.filename, image.subfolder, image.type}, folder);
  std::ofstream out(path, std::ios::binary);
  out.write(image.bytes.data(), static_cast<std::streamsize>(image.bytes.size()));
  out.close();
  if (!out) throw InternalError(path.string() + " can't be written");
  return path;
}

std::vector<fs::path> save_images(const std::vector<FetchedImage>& images, const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& image : images) paths.push_back(save_image(image, image.type == "temp" ? folder / "temp" : folder));
  return paths;
}

asio::awaitable<std::vector<fs::path>> prompt_to_image(Client& client, json::object workflow, PictureWish wish) {
  set_positive(workflow, wish.positive);
  if (!wish.negative.empty()) set_negative(workflow, wish.negative);
  set_seed(workflow, wish.seed.value_or(random_seed()));
  QueueOptions options;
  options.previews = static_cast<bool>(wish.progress);
  Job job = co_await client.queue_prompt(std::move(workflow), std::move(options));
  while (auto event = co_await job.next()) {
    if (wish.progress) wish.progress(*event);
    if (const auto* failed = std::get_if<JobFailed>(&*event)) throw InternalError(describe_failure(*failed));
    if (std::holds_alternative<JobInterrupted>(*event)) throw Conflict("the job was interrupted");
  }
  co_return save_images(co_await client.get_images(job.id(), wish.save_previews), wish.folder);
}

asio::awaitable<std::vector<fs::path>> prompt_image_to_image(Client& client, json::object workflow, fs::path picture, PictureWish wish) {
  const FileName uploaded = co_await client.upload_image(std::move(picture));
  set_image(workflow, uploaded.as_input());
  co_return co_await prompt_to_image(client, std::move(workflow), std::move(wish));
}

}  // namespace darkroom::client
