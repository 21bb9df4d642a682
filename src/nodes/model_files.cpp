#include "nodes/model_files.hpp"

#include "storage/folders.hpp"
#include "worker/models.hpp"

namespace darkroom {

std::filesystem::path model_file(const Context& context, const std::string& folder, const std::string& name) {
  const auto path = context.folders().find_model(folder, name);
  if (!path) throw NotFound("Model in folder '" + folder + "' with filename '" + name + "' not found.");
  return *path;
}

Compute compute_of(Context& context) { return {.dtype = context.bf16() ? at::kBFloat16 : at::kFloat, .budget = model_budget(context)}; }

InvalidInput naming(const std::filesystem::path& file, const InvalidInput& error) {
  const std::string name = file.filename().string(), text = error.what();
  return InvalidInput(text.starts_with(name) ? text : name + ": " + text);
}

}  // namespace darkroom
