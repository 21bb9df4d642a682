#include "nodes/model_files.hpp"

#include "storage/folders.hpp"
#include "tensor/model_budget.hpp"
#include "worker/memory.hpp"
#include "worker/models.hpp"

namespace darkroom {

std::filesystem::path model_file(const Context& context, const std::string& folder, const std::string& name) {
  const auto path = context.folders().find_model(folder, name);
  if (!path) throw NotFound("Model in folder '" + folder + "' with filename '" + name + "' not found.");
  return *path;
}

namespace {

Compute compute_in(Precision precision, Context& context) {
  Compute compute{.budget = model_budget(context)};
  if (const auto& gpu = context.device().gpu) compute.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(*gpu));
  if (precision == Precision::kBFloat16) compute.dtype = at::kBFloat16;
  if (precision == Precision::kFloat16) compute.dtype = at::kHalf;
  return compute;
}

}  // namespace

Compute compute_of(Context& context) { return compute_in(context.device().precision, context); }
Compute convolution_compute_of(Context& context) { return compute_in(context.device().convolution_precision, context); }

std::function<std::size_t()> memory_left(Context& context) {
  if (!context.device().gpu) return available_bytes;
  return [budget = model_budget(context)] { return budget->available(); };
}

InvalidInput naming(const std::filesystem::path& file, const InvalidInput& error) {
  const std::string name = file.filename().string(), text = error.what();
  return InvalidInput(text.starts_with(name) ? text : name + ": " + text);
}

}  // namespace darkroom
