#include "nodes/image_saving.hpp"

#include <random>

#include "imaging/png.hpp"
#include "nodes/image_bytes.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

std::vector<std::pair<std::string, std::string>> metadata_texts(const Context& context) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (context.metadata_disabled()) return texts;
  texts.emplace_back("prompt", dump_python(json::value(context.prompt())));
  if (const auto* extra = context.extra_pnginfo().if_object())
    for (const auto& [key, value] : *extra) texts.emplace_back(key, dump_python(value));
  return texts;
}

json::object saved_entry(std::string filename, std::string subfolder, std::string_view type) {
  return {{"filename", std::move(filename)}, {"subfolder", std::move(subfolder)}, {"type", type}};
}

json::array save_images(const at::Tensor& images, std::string_view prefix, std::string_view folder_type, int compress_level,
                        const Context& context) {
  const auto root = context.folders().by_type(folder_type);
  if (!root) throw InvalidInput("no folder of type " + std::string(folder_type));
  const int batch = static_cast<int>(images.size(0)), height = static_cast<int>(images.size(1)), width = static_cast<int>(images.size(2));
  const int channels = static_cast<int>(images.size(3));
  json::array entries;
  if (batch == 0) return entries;
  const SaveTarget target = save_target(*root, prefix, width, height);
  const imaging::PngOptions options{.level = compress_level, .texts = metadata_texts(context), .chunks = {}};
  for (int i = 0; i < batch; ++i) {
    context.check();
    const auto pixels = image_to_bytes(images.select(0, i));
    std::string name = numbered(target.name, i, target.counter + i, "png");
    write_file(target.folder / name, imaging::encode_png(pixels.data(), width, height, channels, options));
    entries.push_back(saved_entry(std::move(name), target.subfolder, folder_type));
  }
  return entries;
}

std::string temp_prefix() {
  std::random_device random;
  std::string prefix = "ComfyUI_temp_";
  for (int i = 0; i < 5; ++i) prefix.push_back(static_cast<char>('a' + random() % 26));
  return prefix;
}

json::array save_previews(const at::Tensor& images, std::string_view prefix, const Context& context) {
  return save_images(images, prefix, "temp", 1, context);
}

}  // namespace darkroom
