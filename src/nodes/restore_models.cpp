// RestoreModels: every model of a restoration is open and packed before the first step begins.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "nodes/color_model.hpp"
#include "nodes/denoise_model.hpp"
#include "nodes/restoration.hpp"
#include "nodes/upscale_model.hpp"
#include "storage/folders.hpp"
#include "storage/model_names.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kLinks[] = {"model_1", "model_2", "model_3", "model_4"};

using File = std::optional<std::filesystem::path>;

File colorizer_file(const Folders& folders, const std::string& name) {
  auto found = name.empty() ? std::nullopt : find_model_by_name(folders, {"ddcolor"}, name);
  return found ? File(std::move(found->file)) : std::nullopt;
}

File denoiser_file(const Folders& folders, const std::string& name) {
  return name.empty() ? std::nullopt : folders.find_model("denoise", name);
}

/// What tells a model file from one that takes its place; null where there is none.
json::value mark_of(const File& file) {
  if (!file) return {};
  std::error_code fault;
  const auto size = std::filesystem::file_size(*file, fault);
  const auto time = std::filesystem::last_write_time(*file, fault);
  if (fault) return {};
  return json::array{file->string(), size, time.time_since_epoch().count()};
}

/// Passes an image on once the models that are named or linked here are packed, so that a model that fails costs no work. Steps find them
/// open; one that had to make room for another is packed again by its step.
class RestoreModels final : public Node {
 public:
  static NodeSchema schema() {
    NodeSchema schema = NodeSchema("RestoreModels", Form::kV1)
                            .display_name("Open Models First")
                            .category("image/restoration")
                            .description("Passes the image on when every model that is named or linked here is open.")
                            .input("image", Image{})
                            .optional("colorizer", models("ddcolor"))
                            .optional("denoiser", models("denoise"));
    for (const char* name : kLinks) schema.optional(name, Socket{"*"});
    return schema.output(Image{});
  }
  /// A file that has gone or changed is opened again, although the names are the same.
  static json::value fingerprint(const Inputs& constants, const Folders& folders) {
    return json::array{mark_of(colorizer_file(folders, constants.text_or("colorizer", ""))),
                       mark_of(denoiser_file(folders, constants.text_or("denoiser", "")))};
  }
  Outputs run(const Inputs& in, Context& context) override {
    std::vector<std::function<void()>> openings;
    if (const auto name = in.text_or("denoiser", ""); !name.empty())
      openings.emplace_back([&context, name] { load_denoise_model(context, name)->network(); });
    if (const auto name = in.text_or("colorizer", ""); !name.empty())
      openings.emplace_back([&context, name] { open_colorizer(context, name); });
    for (const char* link : kLinks)
      if (const auto model = in.given(link) ? in.at(link).object<UpscaleModel>() : nullptr)
        openings.emplace_back([model] { model->network(); });
    std::int64_t done = 0;
    for (const auto& open : openings) {
      context.check();
      open();
      context.progress(++done, static_cast<std::int64_t>(openings.size()));
    }
    return {in.at("image")};
  }

 private:
  static void open_colorizer(Context& context, const std::string& name) {
    const auto file = colorizer_file(context.folders(), name);
    if (!file) throw NotFound("Model in folder 'ddcolor' with filename '" + name + "' not found.");
    load_color_model(context, *file)->network();
  }
};

}  // namespace

void register_opening_nodes(Registry& registry) { registry.add<RestoreModels>(); }

}  // namespace darkroom
