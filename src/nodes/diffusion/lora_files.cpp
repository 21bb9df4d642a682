#include "nodes/diffusion/lora_files.hpp"

#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {

std::shared_ptr<const LoraFile> open_lora(const std::string& name, Context& context) {
  const auto open = [](const std::filesystem::path& file) { return std::make_shared<const LoraFile>(read_lora(load_checkpoint(file))); };
  return model_files<LoraFile>(context, "loras")->get(model_file(context, "loras", name), {}, open);
}

}  // namespace darkroom
