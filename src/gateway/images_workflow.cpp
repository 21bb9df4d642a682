#include "gateway/images_workflow.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/log.hpp"
#include "drawing/picture_prompt.hpp"
#include "drawing/picture_workflow.hpp"
#include "gateway/api_error.hpp"
#include "gateway/images_form.hpp"
#include "gateway/options.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "storage/safetensors_head.hpp"
#include "workflow/import.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

using Size = std::pair<std::int64_t, std::int64_t>;

constexpr std::int64_t kSizeStep = 8;
constexpr double kAutoPixels = 1024.0 * 1024.0;  ///< an edit without a size is at most so large
constexpr const char* kPrefix = "images/image";  ///< of the files that the built-in workflows save

/// The workflow of the server can't serve this. Its words are for who runs the server, who finds them in the log too.
ApiError unusable(const std::string& why) {
  log::error("the workflow of /v1/images can't be used: {}", why);
  return {500, "The workflow of this server can't be used: " + why, "bad_workflow"};
}

/// Runs `work`, which sets a workflow up.
template <class Work>
auto set_up(const Work& work) {
  try {
    return work();
  } catch (const Error& fault) {
    throw unusable(fault.what());
  }
}

asio::awaitable<json::object> read_chosen(Services& services, fs::path file) {
  const auto schemas = co_await services.schemas.wait();
  auto read = [file, schemas] {
    return set_up([&] {
      std::ifstream in(file, std::ios::binary);
      if (!in) throw unusable(file.filename().string() + " can't be opened");
      return read_workflow_text(std::string{std::istreambuf_iterator<char>(in), {}}, *schemas).prompt;
    });
  };
  co_return co_await services.pool.run(std::move(read));
}

std::vector<std::string> checkpoints_of(const Services& services) { return services.folders.list_models("checkpoints"); }

bool has(const std::vector<std::string>& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

/// The checkpoint that is asked for where it is there, else the first.
std::string chosen_checkpoint(const Services& services, const std::string& model) {
  const auto names = checkpoints_of(services);
  if (names.empty())
    throw ApiError{404, "This server has no checkpoint to draw with: whoever runs it puts one into models/checkpoints", "model_not_found",
                   "model"};
  return has(names, model) ? model : names.front();
}

/// What the checkpoint was made for, as its head says.
Size native_size(const Services& services, const std::string& checkpoint) {
  const auto file = services.folders.find_model("checkpoints", checkpoint);
  const auto head = file ? safetensors_metadata(*file) : std::nullopt;
  return head ? resolution_of(*head).value_or(kUsualResolution) : kUsualResolution;
}

/// As large as the picture, within kAutoPixels.
Size size_like(const EditPicture& picture) {
  const auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
  const double scale = std::min(1.0, std::sqrt(kAutoPixels / (width * height)));
  const auto rounded = [&](double side) { return std::max(kSizeStep, static_cast<std::int64_t>(side * scale) / kSizeStep * kSizeStep); };
  return {rounded(width), rounded(height)};
}

std::int64_t steps_of(const std::string& quality) {
  if (quality == "low") return 10;
  if (quality == "high" || quality == "hd") return 30;
  if (quality == "xhigh") return 40;
  return quality == "max" ? 50 : 20;
}

/// Set up for whatever the request asks of any workflow.
void apply(const Services& services, const ImagesRequest& request, std::uint64_t seed, json::object& prompt) {
  set_up([&] {
    set_positive(prompt, request.prompt);
    set_seed(prompt, seed);
    set_batch(prompt, request.n);
  });
  if (request.size && !set_up([&] { return set_size(prompt, request.size->first, request.size->second); }))
    throw ApiError{400, "size: the workflow of this server draws in a size of its own: leave it out, or say auto", "unsupported_value",
                   "size"};
  if (has(checkpoints_of(services), request.model)) set_up([&] { set_checkpoint(prompt, request.model); });
}

PictureRequest built_in(const Services& services, const ImagesRequest& request, std::uint64_t seed) {
  PictureRequest picture;
  picture.prompt = request.prompt;
  picture.model = chosen_checkpoint(services, request.model);
  picture.batch = request.n;
  picture.steps = steps_of(request.quality);
  picture.seed = seed;
  picture.prefix = kPrefix;
  return picture;
}

/// The first picture with the mask as its transparency, put in place.
asio::awaitable<std::string> keep_masked(Services& services, const Identity& who, const Folders& folders, const EditPictures& pictures) {
  const fs::path picture = pictures.images.front().file->path(), mask = pictures.mask->file->path();
  const std::vector<std::string> arguments{"mask"};
  std::string merged, fault;
  try {
    merged = co_await picture_helper_of(services).run(who.stranger(), arguments, picture, mask);
  } catch (const InvalidInput& wrong) {
    fault = wrong.what();
  }
  if (!fault.empty()) throw ApiError{400, "mask: " + fault, "invalid_value", "mask"};
  auto keep = [&] {
    PartFile file(picture.parent_path());
    file.write(merged);
    return keep_edit_picture(folders, file, ".png");
  };
  co_return co_await services.pool.run(std::move(keep));
}

/// All of them put in place; with `mask_in_first` the first has the mask as its transparency.
asio::awaitable<std::vector<std::string>> keep_images(Services& services, const Identity& who, const EditPictures& pictures,
                                                      bool mask_in_first) {
  const Folders folders = services.folders.of_user(who.user);
  std::vector<std::string> names;
  if (mask_in_first) {
    std::string masked = co_await keep_masked(services, who, folders, pictures);
    names.push_back(std::move(masked));
  }
  auto keep = [&] {
    for (std::size_t i = names.size(); i < pictures.images.size(); ++i)
      names.push_back(keep_edit_picture(folders, *pictures.images[i].file, pictures.images[i].ending));
  };
  co_await services.pool.run(std::move(keep));
  co_return names;
}

asio::awaitable<json::object> built_in_edit(Services& services, const Identity& who, const ImagesRequest& request, std::uint64_t seed,
                                            const EditPictures& pictures) {
  if (pictures.images.size() > 1) throw ApiError{400, "image: the workflow of this server takes one picture", "unsupported_value", "image"};
  auto begin = [&] { return built_in(services, request, seed); };
  PictureRequest picture = co_await services.pool.run(std::move(begin));
  const bool masked = pictures.mask.has_value();
  std::tie(picture.width, picture.height) = request.size.value_or(size_like(pictures.images.front()));
  picture.resize = true;
  picture.masked = masked;
  picture.denoise = masked ? 1.0 : 0.6;
  const auto names = co_await keep_images(services, who, pictures, masked);
  picture.picture = names.front();
  co_return picture_workflow(picture);
}

asio::awaitable<json::object> chosen_edit(Services& services, const Identity& who, const ImagesRequest& request, std::uint64_t seed,
                                          const EditPictures& pictures) {
  json::object prompt = co_await read_chosen(services, services.options.images_edit_workflow);
  const bool masked = pictures.mask.has_value(), apart = masked && loads_mask(prompt);
  const bool in_first = masked && !apart && set_up([&] { return takes_mask_of_picture(prompt); });
  if (masked && !apart && !in_first) throw ApiError{400, "mask: the workflow of this server takes no mask", "unsupported_value", "mask"};
  const auto names = co_await keep_images(services, who, pictures, in_first);
  std::string mask_name;
  if (apart) {
    auto keep = [&] { return keep_edit_picture(services.folders.of_user(who.user), *pictures.mask->file, pictures.mask->ending); };
    mask_name = co_await services.pool.run(std::move(keep));
  }
  auto work = [&] {
    if (names.size() > set_up([&] { return count_images(prompt); }))
      throw ApiError{400, "image: the workflow of this server takes fewer pictures", "unsupported_value", "image"};
    set_up([&] { set_images(prompt, names); });
    if (apart) set_up([&] { set_mask(prompt, mask_name); });
    apply(services, request, seed, prompt);
  };
  co_await services.pool.run(std::move(work));
  co_return prompt;
}

}  // namespace

asio::awaitable<ImagesPrompt> generation_prompt(Services& services, const ImagesRequest& request) {
  ImagesPrompt made;
  made.seed = request.seed ? *request.seed : random_seed();
  if (!services.options.images_workflow.empty()) {
    made.prompt = co_await read_chosen(services, services.options.images_workflow);
    auto work = [&] { apply(services, request, made.seed, made.prompt); };
    co_await services.pool.run(std::move(work));
    co_return made;
  }
  auto work = [&] {
    PictureRequest picture = built_in(services, request, made.seed);
    std::tie(picture.width, picture.height) = request.size ? *request.size : native_size(services, picture.model);
    return picture_workflow(picture);
  };
  made.prompt = co_await services.pool.run(std::move(work));
  co_return made;
}

asio::awaitable<ImagesPrompt> edit_prompt(Services& services, const Identity& who, const ImagesRequest& request,
                                          const EditPictures& pictures) {
  ImagesPrompt made;
  made.seed = request.seed ? *request.seed : random_seed();
  if (services.options.images_edit_workflow.empty()) made.prompt = co_await built_in_edit(services, who, request, made.seed, pictures);
  else made.prompt = co_await chosen_edit(services, who, request, made.seed, pictures);
  co_return made;
}

}  // namespace darkroom
